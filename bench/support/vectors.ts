import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { capture, PYTHON, ROOT, say } from './run.ts';

/** Writes a shard of clustered vectors with h5py, unless it exists. @returns its path */
export async function makeVectors(
  folder: string,
  name: string,
  rows: string,
  dimension: string,
  seed: string,
): Promise<string> {
  await mkdir(folder, { recursive: true });
  const path = join(folder, `${name}-${rows}-${dimension}.h5`);
  if (existsSync(path)) return path;
  say(`making ${rows} vectors`);
  await capture(PYTHON, [join(ROOT, 'bench/support/make_vectors.py'), path, rows, dimension, seed, name[0]!]);
  return path;
}
