import type { Connection, Table } from '@lancedb/lancedb';
import type { Schema } from 'apache-arrow';

/**
 * The format of data files: the oldest that LanceDB writes. Clients before 0.29 cannot read its default format, and only this one
 * stores vectors of any dimension end to end (docs/adr/0019).
 */
const DATA_FORMAT = '2.0';

/** Connects to a folder. The client is loaded when it is needed: that takes as long as starting the process. */
async function connectTo(folder: string): Promise<Connection> {
  const { connect } = await import('./lancedb.ts');
  return connect(folder);
}

/** Creates an empty table, whose files are `<folder>/<name>.lance/`. @param folder absolute */
export async function createTable(folder: string, name: string, schema: Schema): Promise<Table> {
  const connection = await connectTo(folder);
  return connection.createEmptyTable(name, schema as never, {
    storageOptions: { newTableDataStorageVersion: DATA_FORMAT },
  });
}

/** Opens a table. @param folder absolute */
export async function openTable(folder: string, name: string): Promise<Table> {
  const connection = await connectTo(folder);
  return connection.openTable(name);
}
