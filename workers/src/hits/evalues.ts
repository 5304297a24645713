import { createNeighbourBuilder } from './builder.ts';
import { copyText, hitRows, hitsOf, type NeighbourColumns, sameText, type Texts, textsOf } from './columns.ts';
import type { ExtraField } from './extra-column.ts';

/** The column of hits with the chance that an unrelated vector of their bucket is as near to the query. */
export const P_VALUE: ExtraField = { name: 'p_value', type: 'float32' };
/** The column of neighbours with the number of targets of the whole database that would be as near by chance. */
export const EVALUE: ExtraField = { name: 'evalue', type: 'float32' };

/**
 * Creates a function that replaces the p-values of neighbours, their only extra column, by E-values. These do not fall with the rank: a
 * neighbour has at least that of the ones before. Batches come in order, sorted by query and rank.
 * @param databaseRows of all searched buckets
 * @param maxEvalue neighbours above it are dropped
 */
export function createEvalues(
  databaseRows: number,
  maxEvalue = Number.POSITIVE_INFINITY,
): (batch: NeighbourColumns) => NeighbourColumns {
  let query: Texts | undefined;
  let last = 0;
  return (batch) => {
    const { values: chances } = batch.extra![0] as { values: Float32Array };
    const queries = textsOf(batch.queryIds);
    const rows = hitRows(batch);
    const values = new Float32Array(rows);
    for (let row = 0; row < rows; row++) {
      const [before, at] = row > 0 ? [queries, row - 1] : [query, 0];
      const isSame = before !== undefined && sameText(before, at, queries, row);
      last = Math.max(isSame ? last : 0, databaseRows * chances[row]!);
      // More digits would pretend precision.
      values[row] = Number(last.toPrecision(3));
    }
    if (rows > 0) query = copyText(queries, rows - 1);
    const converted = { ...batch, extra: [{ values }] };
    return maxEvalue === Number.POSITIVE_INFINITY ? converted : selectSignificant(converted, values, maxEvalue);
  };
}

function selectSignificant(batch: NeighbourColumns, evalues: Float32Array, maxEvalue: number): NeighbourColumns {
  const kept = createNeighbourBuilder({ rows: evalues.length, bytes: Number.POSITIVE_INFINITY }, [EVALUE]);
  const hits = hitsOf(batch);
  // As float32, 0.1 is above 0.1.
  const limit = Math.fround(maxEvalue);
  for (const [row, evalue] of evalues.entries()) if (evalue <= limit) kept.push(hits, row, batch.ranks[row]!);
  return kept.take();
}
