import { connect } from '../../workers/src/lance/lancedb.ts';
import type { Rows } from './shards.ts';

/** Reads a whole table with the LanceDB client, as any other program would. */
export async function readTable(
  database: string,
  name: string,
): Promise<{ schema: string; rows: Rows; version: number }> {
  const connection = await connect(database);
  const table = await connection.openTable(name);
  try {
    const arrow = await table.query().toArrow();
    const schema = arrow.schema.fields.map(({ name: column, type }) => `${column} ${type}`).join(', ');
    const ids = [...(arrow.getChild('id') ?? [])] as string[];
    const lists = [...(arrow.getChild('embedding') ?? [])] as Array<{ toArray(): Float32Array }>;
    const dimension = lists[0]?.toArray().length ?? 0;
    const vectors = new Float32Array(ids.length * dimension);
    for (const [row, list] of lists.entries()) vectors.set(list.toArray(), row * dimension);
    return { schema, rows: { dimension, ids, vectors }, version: await table.version() };
  } finally {
    table.close();
  }
}
