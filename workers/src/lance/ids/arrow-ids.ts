import type { Table, Vector } from 'apache-arrow';
import { columnSlice, concatenateColumns, type Utf8Column } from '../../base/bytes/utf8-column.ts';

/** Returns the `id` column of an Arrow table, whose batches are concatenated. */
export function idColumn(table: Table): Utf8Column {
  const vector = table.getChild('id') as Vector;
  return concatenateColumns(
    vector.data.map(({ offset, length, values, valueOffsets }) =>
      columnSlice({ offsets: valueOffsets as Int32Array, bytes: values as Uint8Array }, offset, offset + length),
    ),
  );
}
