import type { Table } from '@lancedb/lancedb';
import { columnBytes, type Utf8Column } from '../../base/bytes/utf8-column.ts';
import { idColumn } from './arrow-ids.ts';

/** Streams all ids of a table in the order of its rows, then closes the table. */
export async function* idsOf(table: Table): AsyncGenerator<{ start: number; ids: Utf8Column }> {
  try {
    let start = 0;
    for await (const batch of table.query().select(['id'])) {
      yield { start, ids: idColumn(batch as never) };
      start += batch.numRows;
    }
  } finally {
    table.close();
  }
}

/** Returns the id of one row in UTF-8, and closes the table. */
export async function idAt(table: Table, row: number): Promise<Uint8Array> {
  try {
    const found = await table.query().select(['id']).limit(1).offset(row).toArrow();
    return columnBytes(idColumn(found as never), 0);
  } finally {
    table.close();
  }
}
