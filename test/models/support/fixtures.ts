import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ROOT } from '../../support/run.ts';

/** Reference vectors of PyTorch, in a folder beside the repository. */
export const FIXTURES = join(ROOT, '../shared/fixtures/embedding');
export const hasFixtures = existsSync(FIXTURES);

export interface FixtureSequence {
  id: string;
  raw: string;
  normalized: string;
  token_ids: number[];
  mean_residues: number[];
  mean_with_special: number[];
  mean_residues_after_final_norm?: number[];
  /** Of the sequence exactly as in the file, where it differs: with the `*` at its end as a letter. */
  raw_result?: { mean_residues: number[] };
}

export async function readFixture(name: string): Promise<{ folder: string; sequences: FixtureSequence[] }> {
  const folder = join(FIXTURES, name);
  return { folder, ...JSON.parse(await readFile(join(folder, 'expected.json'), 'utf8')) };
}
