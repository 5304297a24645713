import { join } from 'node:path';
import { type BatchLimits, createNeighbourBuilder } from '../hits/builder.ts';
import { type HitColumns, hitRows, hitsOf, type NeighbourColumns } from '../hits/columns.ts';
import { createHitOrderCheck, sortedRows } from '../hits/hit-order.ts';
import { OUTPUT_LIMITS } from '../hits/merge.ts';
import { readHits } from '../hits/parquet/hits-reader.ts';
import { writeHits } from '../hits/parquet/hits-writer.ts';

/** Limits of a chunk of hits that is sorted at once: about 150 MB, including the memory for sorting. */
const CHUNK_LIMITS: BatchLimits = { rows: 500_000, bytes: 48 * 1024 * 1024 };

/** Returns whether a hits file is in the order of hits files. Reads it up to the first row that is out of order. */
export async function isSorted(path: string): Promise<boolean> {
  const inOrder = createHitOrderCheck();
  for await (const hits of readHits(path)) if (!inOrder(hits)) return false;
  return true;
}

/**
 * Sorts a hits file of any size, a chunk at a time.
 * @param folder folder for the sorted files, whose names start with `label`
 * @param limits limits of a chunk
 * @returns the sorted files, which together contain the rows of `path`
 */
export async function sortHits(
  path: string,
  folder: string,
  label: string,
  limits: BatchLimits = CHUNK_LIMITS,
): Promise<string[]> {
  const sorted: string[] = [];
  const chunk = createNeighbourBuilder(limits);
  const flush = async () => {
    const target = join(folder, `${label}.${sorted.length}.parquet`);
    await writeHits(target, inOrder(hitsOf(chunk.take())));
    sorted.push(target);
  };
  for await (const hits of readHits(path))
    for (let row = 0; row < hitRows(hits); row++) {
      chunk.push(hits, row, 0);
      if (chunk.full) await flush();
    }
  if (chunk.rows > 0) await flush();
  return sorted;
}

async function* inOrder(hits: HitColumns): AsyncGenerator<NeighbourColumns> {
  const output = createNeighbourBuilder(OUTPUT_LIMITS);
  for (const row of sortedRows(hits)) {
    output.push(hits, row, 0);
    if (output.full) yield output.take();
  }
  if (output.rows > 0) yield output.take();
}
