import { UsageError } from '../../errors.ts';
import { formatByteSize } from '../byte-size.ts';
import { NearestRows } from './nearest.ts';

/** What the runtime, its libraries and a table's metadata need, whatever is searched. */
const RUNTIME_BYTES = 260 * 2 ** 20;
/** Blocks of rows and products in work, at float32. */
const WORK_ROWS = 3 * 4096;
const PRODUCT_BYTES = 2 * 1024 * 4096 * 4;

/**
 * Queries that can be searched at once in a memory budget; more of them are searched block by block.
 * @throws UsageError where the budget is too small for one query, saying the least that works
 */
export function queriesInMemory(memoryBytes: number, dimension: number, k: number): number {
  const fixedBytes = RUNTIME_BYTES + PRODUCT_BYTES + WORK_ROWS * dimension * 4;
  // The vector and its place in a product, and the rows kept for it, once more while they are ranked.
  const queryBytes = 2 * dimension * 4 + 2 * NearestRows.bytesPerQuery(k);
  const queries = Math.floor((memoryBytes - fixedBytes) / queryBytes);
  if (queries >= 1) return queries;
  throw new UsageError(
    `--memory ${formatByteSize(memoryBytes)} is too small for k = ${k} and ${dimension} components; the least is ` +
      `${formatByteSize(fixedBytes + queryBytes)}.`,
  );
}
