import { createNeighbourBuilder } from '../builder.ts';
import { hitRows, hitsOf, type NeighbourColumns } from '../columns.ts';
import type { ExtraField } from '../extra-column.ts';
import { OUTPUT_LIMITS } from '../merge.ts';

/** Appends rows to a file in batches that depend on the rows alone. */
export interface EvenBatches {
  add(rows: NeighbourColumns): Promise<void>;
  /** Appends the rows that do not fill a batch. */
  finish(): Promise<void>;
}

/**
 * Divides rows into batches that do not depend on how the rows came: a file then has the same bytes, whoever computed its rows.
 * @param extra extra columns of the rows
 */
export function createEvenBatches(
  extra: readonly ExtraField[],
  append: (rows: NeighbourColumns) => Promise<void>,
): EvenBatches {
  const builder = createNeighbourBuilder(OUTPUT_LIMITS, extra);
  return {
    async add(rows) {
      const hits = hitsOf(rows);
      for (let row = 0; row < hitRows(hits); row++) {
        builder.push(hits, row, rows.ranks[row]!);
        if (builder.full) await append(builder.take());
      }
    },
    async finish() {
      if (builder.rows > 0) await append(builder.take());
    },
  };
}
