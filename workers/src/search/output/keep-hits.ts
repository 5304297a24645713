import { concatenateFloats } from '../../base/bytes/concatenate-floats.ts';
import { columnFrom, concatenateColumns, type Utf8Column } from '../../base/bytes/utf8-column.ts';
import type { HitBatch, HitsWriter } from '../../hits/parquet/hits-writer.ts';

/** Hits of all queries in one bucket, in the order of hits files. */
export interface KeptHits {
  queryIds: Utf8Column;
  targetIds: Utf8Column;
  distances: Float32Array;
  pValues?: Float32Array | undefined;
}

/** Returns a writer that keeps hits in memory. @param isJudged whether they have p-values */
export function keepHits(isJudged: boolean): { writer: HitsWriter; hits(): KeptHits } {
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
      return { queryIds, targetIds, distances, pValues };
    },
  };
}
