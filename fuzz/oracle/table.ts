import { connect } from '@lancedb/lancedb';

/** Reads the ids of a written table as any client does. @param database absolute path */
export async function readTableIds(database: string, name: string): Promise<string[]> {
  const connection = await connect(database);
  const table = await connection.openTable(name);
  try {
    const arrow = await table.query().select(['id']).toArrow();
    return [...(arrow.getChild('id') ?? [])] as string[];
  } finally {
    table.close();
    connection.close();
  }
}
