import { createNeighbourBuilder } from './builder.ts';
import { compareHits, type HitColumns, hitRows, hitsOf } from './columns.ts';

/**
 * Creates a check of a stream of batches: a function that receives the batches in turn and tells whether all rows so far are in the order
 * of hits files.
 */
export function createHitOrderCheck(): (hits: HitColumns) => boolean {
  const tail = createNeighbourBuilder({ rows: 1, bytes: 0 });
  let last: HitColumns | undefined;
  return (hits) => {
    const rows = hitRows(hits);
    if (rows === 0) return true;
    if (last && compareHits(last, 0, hits, 0) > 0) return false;
    for (let row = 1; row < rows; row++) if (compareHits(hits, row - 1, hits, row) > 0) return false;
    tail.push(hits, rows - 1, 1);
    last = hitsOf(tail.take());
    return true;
  };
}

/** Returns the row numbers of a batch in the order of hits files. */
export function sortedRows(hits: HitColumns): Uint32Array {
  const rows = Uint32Array.from({ length: hitRows(hits) }, (_, row) => row);
  return rows.sort((a, b) => compareHits(hits, a, hits, b) || a - b);
}
