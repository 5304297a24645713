import { Field, FixedSizeList, Float16, Float32, Schema, Utf8 } from 'apache-arrow';
import type { VectorType } from '../vectors/vector-type.ts';

/** Returns the schema of a bucket's table: `embedding` FixedSizeList<float>[dimension], `id` utf8. */
export function tableSchema(dimension: number, vectorType: VectorType): Schema {
  const item = new Field('item', vectorType === 'float32' ? new Float32() : new Float16(), true);
  return new Schema([
    new Field('embedding', new FixedSizeList(dimension, item), true),
    new Field('id', new Utf8(), true),
  ]);
}
