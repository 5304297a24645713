import {
  type Data,
  Field,
  FixedSizeList,
  Float16,
  Float32,
  makeData,
  RecordBatch,
  RecordBatchFileWriter,
  Schema,
  Struct,
  Utf8,
} from 'apache-arrow';
import type { Utf8Column } from '../base/bytes/utf8-column.ts';
import type { VectorType } from '../vectors/vector-type.ts';

/** Returns the schema of a bucket's table: `embedding` FixedSizeList<float>[dimension], `id` utf8. */
export function tableSchema(dimension: number, vectorType: VectorType): Schema {
  const item = new Field('item', vectorType === 'float32' ? new Float32() : new Float16(), true);
  return new Schema([
    new Field('embedding', new FixedSizeList(dimension, item), true),
    new Field('id', new Utf8(), true),
  ]);
}

/**
 * Encodes rows of a table as an Arrow IPC file in memory, from the columns' buffers as they are: no work is done per row.
 * @param vectors rows * dimension components, of the schema's type
 */
export function encodeBatch(schema: Schema, vectors: Float32Array | Float16Array, ids: Utf8Column): Buffer {
  const [embeddingField, idField] = schema.fields as [Field<FixedSizeList>, Field<Utf8>];
  const rows = ids.offsets.length - 1;
  const components = { length: vectors.length, nullCount: 0 };
  const child =
    vectors instanceof Float32Array
      ? makeData({ type: new Float32(), ...components, data: vectors })
      : makeData({
          type: new Float16(),
          ...components,
          data: new Uint16Array(vectors.buffer, vectors.byteOffset, vectors.length),
        });
  const children = [
    makeData({ type: embeddingField.type, length: rows, nullCount: 0, child: child as Data }),
    makeData({ type: idField.type, length: rows, nullCount: 0, valueOffsets: ids.offsets, data: ids.bytes }),
  ];
  const struct = makeData({ type: new Struct(schema.fields), length: rows, nullCount: 0, children });
  const writer = new RecordBatchFileWriter();
  writer.write(new RecordBatch(schema, struct));
  writer.finish();
  const bytes = writer.toUint8Array(true);
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
