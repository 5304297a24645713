import {
  Table as ArrowTable,
  type Data,
  Float16,
  Float32,
  makeData,
  RecordBatch,
  type Schema,
  Struct,
} from 'apache-arrow';
import { columnFrom } from '../../workers/src/base/bytes/utf8-column.ts';
import { tableSchema } from '../../workers/src/lance/table-schema.ts';
import { createTable } from '../../workers/src/lance/tables.ts';
import type { VectorType } from '../../workers/src/vectors/vector-type.ts';
import { type Rows, sliceRows } from './shards.ts';

/** Has LanceDB write rows as a bucket's table, one append per fragment. @param sizes row count of each fragment */
export async function writeLanceTable(
  folder: string,
  name: string,
  rows: Rows,
  type: VectorType,
  sizes: readonly number[],
): Promise<void> {
  const schema = tableSchema(rows.dimension, type);
  const table = await createTable(folder, name, schema);
  let start = 0;
  for (const size of sizes) {
    await table.add(arrowTable(schema, sliceRows(rows, start, start + size), type) as never);
    start += size;
  }
  table.close();
}

/** Returns the components of rows in the type of a table. */
export function storedVectors({ vectors }: Rows, type: VectorType): Float32Array | Float16Array {
  return type === 'float32' ? vectors : new Float16Array(vectors);
}

function arrowTable(schema: Schema, rows: Rows, type: VectorType): ArrowTable {
  const length = rows.ids.length;
  const { buffer, byteOffset } = storedVectors(rows, type);
  const components = { length: length * rows.dimension, nullCount: 0 };
  const child =
    type === 'float32'
      ? makeData({ type: new Float32(), ...components, data: new Float32Array(buffer, byteOffset, components.length) })
      : makeData({ type: new Float16(), ...components, data: new Uint16Array(buffer, byteOffset, components.length) });
  const { offsets, bytes } = columnFrom(rows.ids);
  const [embedding, id] = schema.fields as never[] as Array<{ type: never }>;
  const children: Data[] = [
    makeData({ type: embedding!.type, length, nullCount: 0, child } as never),
    makeData({ type: id!.type, length, nullCount: 0, valueOffsets: offsets, data: bytes } as never),
  ];
  const struct = makeData({ type: new Struct(schema.fields), length, nullCount: 0, children });
  return new ArrowTable(new RecordBatch(schema, struct));
}
