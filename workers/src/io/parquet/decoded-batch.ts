import { type DataType, Type, tableFromIPC } from 'apache-arrow';
import { type RecordBatch as DecodedBatch, wasmMemory } from 'parquet-wasm';
import { columnFrom, type Utf8Column } from '../../core/utf8-column.ts';

/** A column of a decoded batch, copied out of the decoder's memory. */
export type DecodedColumn = { values: Float32Array | Int32Array } | Utf8Column;

/** Where the Arrow C data interface keeps the fields of struct ArrowArray on a 32-bit machine, in words. */
const ARROW_ARRAY = { length: 0, nullCount: 2, offset: 4, buffers: 10, children: 11 } as const;

/** How a column is laid out; `other` (large strings, dictionaries) takes the slower way through Arrow IPC. */
export type Layout = 'utf8' | 'float32' | 'int32' | 'other';

/** How a column of this type is read, or undefined where its values are neither text nor 32-bit numbers. */
export function layoutOf(type: DataType): Layout | undefined {
  if (type.typeId === Type.Utf8) return 'utf8';
  if (type.typeId === Type.Float) return String(type) === 'Float32' ? 'float32' : undefined;
  if (type.typeId === Type.Int) return String(type) === 'Int32' ? 'int32' : undefined;
  return /^(Dictionary<.*, )?(Large)?Utf8>?$/.test(String(type)) ? 'other' : undefined;
}

/**
 * Copies the columns of a batch and frees it. Reads the decoder's memory where it lies: going through
 * Arrow IPC takes twice the time of decoding.
 * @returns undefined for a column that holds a null
 */
export function takeColumns(batch: DecodedBatch, layouts: readonly Layout[]): (DecodedColumn | undefined)[] {
  if (layouts.includes('other')) return takeByIpc(batch);
  const memory = wasmMemory();
  const ffi = batch.intoFFI();
  try {
    const words = new Uint32Array(memory.buffer);
    const children = words[ffi.arrayAddr() / 4 + ARROW_ARRAY.children]! / 4;
    return layouts.map((layout, i) => copyColumn(memory.buffer, words, words[children + i]! / 4, layout));
  } finally {
    ffi.free();
  }
}

function copyColumn(memory: ArrayBuffer, words: Uint32Array, array: number, layout: Layout) {
  const length = words[array + ARROW_ARRAY.length]!;
  const start = words[array + ARROW_ARRAY.offset]!;
  if (words[array + ARROW_ARRAY.nullCount]! > 0) return undefined;
  if (length === 0) return columnFrom([]);
  const buffers = words[array + ARROW_ARRAY.buffers]! / 4;
  const first = words[buffers + 1]! + 4 * start;
  if (layout === 'float32') return { values: new Float32Array(memory, first, length).slice() };
  if (layout === 'int32') return { values: new Int32Array(memory, first, length).slice() };
  const offsets = new Int32Array(memory, first, length + 1).slice();
  const base = offsets[0]!;
  if (base !== 0) for (let i = 0; i <= length; i++) offsets[i]! -= base;
  return { offsets, bytes: new Uint8Array(memory, words[buffers + 2]! + base, offsets[length]).slice() };
}

function takeByIpc(batch: DecodedBatch): (DecodedColumn | undefined)[] {
  const table = tableFromIPC(batch.intoIPCStream());
  return table.schema.fields.map((_, i) => {
    const vector = table.getChildAt(i)!;
    if (vector.nullCount > 0) return undefined;
    const values: unknown = vector.toArray();
    if (values instanceof Float32Array || values instanceof Int32Array) return { values };
    return columnFrom(Array.from(vector, String));
  });
}
