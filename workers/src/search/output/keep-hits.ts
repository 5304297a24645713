import { concatenateFloats } from '../../base/bytes/concatenate-floats.ts';
import { columnFrom, concatenateColumns, type Utf8Column } from '../../base/bytes/utf8-column.ts';
import type { HitBatch, HitsWriter } from '../../hits/parquet/hits-writer.ts';

/** Hits of all queries in one bucket, in the order of hits files. */
export interface KeptHits {
  queryIds: Utf8Column;
  targetIds: Utf8Column;
  distances: Float32Array;
  pValues?: Float32Array | undefined;
  /** LanceDB's row ids of the targets, where they are asked for. */
  rowIds?: Float64Array | undefined;
}

/** Returns a writer that keeps hits in memory. @param isJudged whether they have p-values @param hasRowIds whether they have row ids */
export function keepHits(isJudged: boolean, hasRowIds = false): { writer: HitsWriter; hits(): KeptHits } {
  const batches: HitBatch[] = [];
  const none = columnFrom([]);
  return {
    writer: {
      async append(batch) {
        batches.push(batch);
      },
      finish: async () => 0,
      async abandon() {},
    },
    hits() {
      const distances = concatenateFloats(batches.map((batch) => batch.distances));
      const pValues = isJudged ? concatenateFloats(batches.map((batch) => batch.pValues!)) : undefined;
      const queryIds = concatenateColumns([none, ...batches.map((batch) => batch.queryIds)]);
      const targetIds = concatenateColumns([none, ...batches.map((batch) => batch.targetIds)]);
      const rowIds = hasRowIds ? concatenateRows(batches.map((batch) => batch.rowIds!)) : undefined;
      return { queryIds, targetIds, distances, pValues, rowIds };
    },
  };
}

function concatenateRows(parts: readonly Float64Array[]): Float64Array {
  const rows = new Float64Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    rows.set(part, at);
    at += part.length;
  }
  return rows;
}
