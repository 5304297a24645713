import {
  Field,
  FixedSizeList,
  Float32,
  makeData,
  RecordBatch,
  RecordBatchFileWriter,
  Schema,
  Struct,
  Utf8,
} from 'apache-arrow';
import type { Utf8Column } from '../../core/utf8-column.ts';

/** The schema of a bucket's table: `embedding` FixedSizeList<float>[dimension], `id` utf8. */
export function tableSchema(dimension: number): Schema {
  const item = new Field('item', new Float32(), true);
  return new Schema([
    new Field('embedding', new FixedSizeList(dimension, item), true),
    new Field('id', new Utf8(), true),
  ]);
}

/**
 * Rows of a table as an Arrow IPC file in memory. The columns' buffers are used as they are; nothing is
 * done row by row.
 * @param vectors rows * dimension components
 */
export function encodeBatch(schema: Schema, vectors: Float32Array, ids: Utf8Column): Buffer {
  const [embeddingField, idField] = schema.fields as [Field<FixedSizeList<Float32>>, Field<Utf8>];
  const rows = ids.offsets.length - 1;
  const children = [
    makeData({
      type: embeddingField.type,
      length: rows,
      nullCount: 0,
      child: makeData({ type: new Float32(), length: vectors.length, nullCount: 0, data: vectors }),
    }),
    makeData({ type: idField.type, length: rows, nullCount: 0, valueOffsets: ids.offsets, data: ids.bytes }),
  ];
  const struct = makeData({ type: new Struct(schema.fields), length: rows, nullCount: 0, children });
  const writer = new RecordBatchFileWriter();
  writer.write(new RecordBatch(schema, struct));
  writer.finish();
  const bytes = writer.toUint8Array(true);
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
