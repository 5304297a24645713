import { type DataType, Field, FixedSizeList, Float16, Float32, Float64, Int64, Schema, Utf8 } from 'apache-arrow';
import type { Column, ColumnType } from '../base/columns/column-type.ts';
import type { VectorType } from '../vectors/vector-type.ts';

const TYPES: Record<ColumnType, () => DataType> = {
  utf8: () => new Utf8(),
  int64: () => new Int64(),
  float64: () => new Float64(),
};

/** Returns the schema of a bucket's table: `embedding` FixedSizeList<float>[dimension], `id` utf8, then the kept columns. */
export function tableSchema(dimension: number, vectorType: VectorType, columns: readonly Column[] = []): Schema {
  const item = new Field('item', vectorType === 'float32' ? new Float32() : new Float16(), true);
  return new Schema([
    new Field('embedding', new FixedSizeList(dimension, item), true),
    new Field('id', new Utf8(), true),
    ...columns.map(({ name, type }) => new Field(name, TYPES[type](), true)),
  ]);
}
