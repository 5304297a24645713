import { type DataType, Type, tableFromIPC } from 'apache-arrow';
import { type RecordBatch as DecodedBatch, wasmMemory } from 'parquet-wasm';
import { columnFrom, type Utf8Column } from '../../base/bytes/utf8-column.ts';

/** A column of a decoded batch, copied out of the decoder's memory. */
export type DecodedColumn = { values: Float32Array } | Utf8Column;

/** Offsets, in words, of the fields of struct ArrowArray (https://arrow.apache.org/docs/format/CDataInterface.html) with 32-bit pointers. */
const ARROW_ARRAY = { length: 0, nullCount: 2, offset: 4, buffers: 10, children: 11 } as const;

/** The layout of a column; `other` (large strings, dictionaries) is read through Arrow IPC, which is slower. */
export type Layout = 'utf8' | 'float32' | 'other';

/** Returns the layout of a column of this type; undefined if it is neither text nor float32. */
export function layoutOf(type: DataType): Layout | undefined {
  if (type.typeId === Type.Utf8) return 'utf8';
  if (type.typeId === Type.Float) return String(type) === 'Float32' ? 'float32' : undefined;
  return /^(Dictionary<.*, )?(Large)?Utf8>?$/.test(String(type)) ? 'other' : undefined;
}

/**
 * Creates a function that copies the columns of a batch and frees it. It reads the decoder's memory directly, because Arrow IPC takes
 * twice as long as decoding. It reuses its arrays, which are valid until the next call, because new arrays for every batch would cost a
 * fifth of the reading time.
 * @returns undefined for a column that contains a null
 */
export function createTaker(layouts: readonly Layout[]): (batch: DecodedBatch) => (DecodedColumn | undefined)[] {
  if (layouts.includes('other')) return takeByIpc;
  const stores = layouts.map(createStore);
  return (batch) => {
    const memory = wasmMemory();
    const ffi = batch.intoFFI();
    try {
      const words = new Uint32Array(memory.buffer);
      const children = words[ffi.arrayAddr() / 4 + ARROW_ARRAY.children]! / 4;
      return stores.map((store, i) => store(memory.buffer, words, words[children + i]! / 4));
    } finally {
      ffi.free();
    }
  };
}

type Store = (memory: ArrayBuffer, words: Uint32Array, array: number) => DecodedColumn | undefined;

function createStore(layout: Layout): Store {
  const copyOffsets = createCopier(Int32Array);
  const copyBytes = createCopier(Uint8Array);
  const copyFloats = createCopier(Float32Array);
  return (memory, words, array) => {
    const length = words[array + ARROW_ARRAY.length]!;
    if (words[array + ARROW_ARRAY.nullCount]! > 0) return undefined;
    if (length === 0) return layout === 'utf8' ? columnFrom([]) : { values: new Float32Array(0) };
    const buffers = words[array + ARROW_ARRAY.buffers]! / 4;
    const first = words[buffers + 1]! + 4 * words[array + ARROW_ARRAY.offset]!;
    if (layout === 'float32') return { values: copyFloats(new Float32Array(memory, first, length)) };
    const offsets = copyOffsets(new Int32Array(memory, first, length + 1));
    const base = offsets[0]!;
    if (base !== 0) for (let i = 0; i <= length; i++) offsets[i]! -= base;
    const bytes = new Uint8Array(memory, words[buffers + 2]! + base, offsets[length]);
    return { offsets, bytes: copyBytes(bytes) };
  };
}

interface NumberArray<T> {
  readonly length: number;
  set(from: T): void;
  subarray(start: number, end: number): T;
}

/** Creates a function that copies arrays into one that grows as needed. */
function createCopier<T extends NumberArray<T>>(Type: new (length: number) => T): (from: T) => T {
  let store = new Type(0);
  return (from) => {
    if (store.length < from.length) store = new Type(Math.ceil(from.length * 1.25));
    const to = store.subarray(0, from.length);
    to.set(from);
    return to;
  };
}

function takeByIpc(batch: DecodedBatch): (DecodedColumn | undefined)[] {
  const table = tableFromIPC(batch.intoIPCStream());
  return table.schema.fields.map((_, i) => {
    const vector = table.getChildAt(i)!;
    if (vector.nullCount > 0) return undefined;
    const values: unknown = vector.toArray();
    return values instanceof Float32Array ? { values } : columnFrom(Array.from(vector, String));
  });
}
