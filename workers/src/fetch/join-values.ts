import { columnText } from '../base/bytes/utf8-column.ts';
import { createNeighbourBuilder } from '../hits/builder.ts';
import { hitRows, hitsOf, type NeighbourColumns } from '../hits/columns.ts';
import type { ExtraColumn, ExtraField } from '../hits/extra-column.ts';
import { OUTPUT_LIMITS } from '../hits/merge.ts';
import { createRecordColumns } from './value-records.ts';
import type { ValueStore } from './value-store.ts';

/** Neighbours, and the values of their targets, in the order of the fields. */
interface JoinedRows {
  rows: NeighbourColumns;
  values: ExtraColumn[];
}

/**
 * Reads the values of neighbours from a store, which has them in the same order.
 * @param extra extra columns of the neighbours
 * @param fields columns of the store
 */
export async function* joinValues(
  neighbours: AsyncIterable<NeighbourColumns>,
  extra: readonly ExtraField[],
  fields: readonly ExtraField[],
  store: ValueStore,
): AsyncGenerator<JoinedRows, void, void> {
  const output = createNeighbourBuilder(OUTPUT_LIMITS, extra);
  const values = createRecordColumns(fields, OUTPUT_LIMITS.rows);
  let valueBytes = 0;
  const take = () => {
    valueBytes = 0;
    return { rows: output.take(), values: values.take() };
  };
  for await (const batch of neighbours) {
    const hits = hitsOf(batch);
    for (let row = 0; row < hitRows(batch); row++) {
      const record = store.next(columnText(batch.buckets, row));
      values.push(record);
      valueBytes += record?.length ?? 0;
      output.push(hits, row, batch.ranks[row]!);
      if (output.full || valueBytes >= OUTPUT_LIMITS.bytes) yield take();
    }
  }
  if (output.rows > 0) yield take();
}
