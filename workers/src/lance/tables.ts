import type { Table } from '@lancedb/lancedb';
import { type Schema, tableFromIPC } from 'apache-arrow';
import { connect } from './lancedb.ts';

/**
 * The format of data files: the oldest that LanceDB writes. Clients before 0.29 cannot read its default format, and only this one
 * stores vectors of any dimension end to end (docs/adr/0019).
 */
const DATA_FORMAT = '2.0';

/** Creates an empty table, whose files are `<folder>/<name>.lance/`. @param folder absolute */
export async function createTable(folder: string, name: string, schema: Schema): Promise<Table> {
  const connection = await connect(folder);
  return connection.createEmptyTable(name, schema as never, {
    storageOptions: { newTableDataStorageVersion: DATA_FORMAT },
  });
}

/** Opens a table. @param folder absolute */
export async function openTable(folder: string, name: string): Promise<Table> {
  const connection = await connect(folder);
  return connection.openTable(name);
}

/** The private call of `table.add`, which takes an Arrow IPC file. */
interface AddsIpc {
  inner?: { add?: (ipc: Buffer, mode: 'append') => Promise<unknown> };
}

/**
 * Appends an Arrow IPC file to a table as one fragment. `table.add` decodes it and encodes it again (109-212 MB/s); its private
 * call does not (528-570 MB/s), and is used if the client has it.
 */
export async function appendIpc(table: Table, ipc: Buffer): Promise<void> {
  const { inner } = table as unknown as AddsIpc;
  if (typeof inner?.add === 'function') await inner.add(ipc, 'append');
  else await table.add(tableFromIPC(ipc) as never);
}
