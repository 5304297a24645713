import type { Table } from '@lancedb/lancedb';
import { type Schema, tableFromIPC } from 'apache-arrow';
import { connect } from './lancedb.ts';

/**
 * The format of data files: the oldest that LanceDB writes. Clients before 0.29 cannot read the format that is its default,
 * and this one keeps rows of any length end to end (docs/adr/0019).
 */
const DATA_FORMAT = '2.0';

/** Makes an empty table in a folder. Its files are `<folder>/<name>.lance/`. */
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

/** The call under `table.add`, which takes Arrow IPC bytes as they are. */
interface AddsIpc {
  inner?: { add?: (ipc: Buffer, mode: 'append') => Promise<unknown> };
}

/**
 * Appends an Arrow IPC file to a table; each call is one fragment of the table.
 * `table.add` first decodes and encodes what it is given (109-212 MB/s); the private call under it does not
 * (528-570 MB/s), and is used where the client has it.
 */
export async function appendIpc(table: Table, ipc: Buffer): Promise<void> {
  const { inner } = table as unknown as AddsIpc;
  if (typeof inner?.add === 'function') await inner.add(ipc, 'append');
  else await table.add(tableFromIPC(ipc) as never);
}
