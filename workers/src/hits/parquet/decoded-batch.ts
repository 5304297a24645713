import { type DataType, Type, tableFromIPC } from 'apache-arrow';
import { type RecordBatch as DecodedBatch, wasmMemory } from 'parquet-wasm';
import { columnFrom, type Utf8Column } from '../../base/bytes/utf8-column.ts';
import { validityOf } from '../../base/columns/validity.ts';

/** A column of a decoded batch, copied out of the decoder's memory: its rows without a value are those whose bit in `validity` is 0. */
export type DecodedColumn = ({ values: DecodedValues } | Utf8Column) & { validity?: Uint8Array | undefined };
export type DecodedValues = Float32Array | Float64Array | Int32Array | BigInt64Array;

/** Offsets, in words, of the fields of struct ArrowArray (https://arrow.apache.org/docs/format/CDataInterface.html) with 32-bit pointers. */
const ARROW_ARRAY = { length: 0, nullCount: 2, offset: 4, buffers: 10, children: 11 } as const;

const ARRAYS = { float32: Float32Array, float64: Float64Array, int32: Int32Array, int64: BigInt64Array } as const;
type NumberLayout = keyof typeof ARRAYS;

/** The layout of a column; `other` (large strings, dictionaries) is read through Arrow IPC, which is slower. */
export type Layout = 'utf8' | NumberLayout | 'other';

/** Returns the layout of a column of this type; undefined if it is neither text nor a number that is read. */
export function layoutOf(type: DataType): Layout | undefined {
  if (type.typeId === Type.Utf8) return 'utf8';
  const name = String(type);
  const number = name.toLowerCase();
  if (Object.hasOwn(ARRAYS, number)) return number as NumberLayout;
  return /^(Dictionary<.*, )?(Large)?Utf8>?$/.test(name) ? 'other' : undefined;
}

/**
 * Creates a function that copies the columns of a batch and frees it. It reads the decoder's memory directly, because Arrow IPC takes
 * twice as long as decoding. It reuses its arrays, which are valid until the next call, because new arrays for every batch would cost a
 * fifth of the reading time.
 */
export function createTaker(layouts: readonly Layout[]): (batch: DecodedBatch) => DecodedColumn[] {
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

type Store = (memory: ArrayBuffer, words: Uint32Array, array: number) => DecodedColumn;

function createStore(layout: Layout): Store {
  const copyValues = layout === 'utf8' || layout === 'other' ? createTextStore() : createNumberStore(layout);
  return (memory, words, array) => {
    const length = words[array + ARROW_ARRAY.length]!;
    const buffers = words[array + ARROW_ARRAY.buffers]! / 4;
    const offset = words[array + ARROW_ARRAY.offset]!;
    const column = copyValues(memory, words, buffers, offset, length);
    if (words[array + ARROW_ARRAY.nullCount] === 0 || length === 0) return column;
    return { ...column, validity: copyBits(new Uint8Array(memory, words[buffers]!), offset, length) };
  };
}

type ValueStore = (
  memory: ArrayBuffer,
  words: Uint32Array,
  buffers: number,
  offset: number,
  length: number,
) => DecodedColumn;

function createNumberStore(layout: NumberLayout): ValueStore {
  const Numbers = ARRAYS[layout];
  const width = Numbers.BYTES_PER_ELEMENT;
  const copyBytes = createCopier(Uint8Array);
  return (memory, words, buffers, offset, length) => {
    if (length === 0) return { values: new Numbers(0) };
    const { buffer } = copyBytes(new Uint8Array(memory, words[buffers + 1]! + width * offset, width * length));
    return { values: new Numbers(buffer, 0, length) };
  };
}

function createTextStore(): ValueStore {
  const copyOffsets = createCopier(Int32Array);
  const copyBytes = createCopier(Uint8Array);
  return (memory, words, buffers, offset, length) => {
    if (length === 0) return columnFrom([]);
    const offsets = copyOffsets(new Int32Array(memory, words[buffers + 1]! + 4 * offset, length + 1));
    const base = offsets[0]!;
    if (base !== 0) for (let i = 0; i <= length; i++) offsets[i]! -= base;
    const bytes = new Uint8Array(memory, words[buffers + 2]! + base, offsets[length]);
    return { offsets, bytes: copyBytes(bytes) };
  };
}

/** Copies `length` bits from bit `first`; the first of a byte is the lowest. */
function copyBits(bits: Uint8Array, first: number, length: number): Uint8Array {
  const copy = new Uint8Array((length + 7) >> 3);
  for (let i = 0; i < length; i++) {
    const at = first + i;
    if ((bits[at >> 3]! & (1 << (at & 7))) !== 0) copy[i >> 3]! |= 1 << (i & 7);
  }
  return copy;
}

interface NumberArray<T> {
  readonly length: number;
  set(from: T): void;
  subarray(start: number, end: number): T;
}

/** Creates a function that copies arrays into one that grows as needed. */
function createCopier<T extends NumberArray<T>>(Type: new (length: number) => T): (from: T) => T {
  // Each array lies at the start of its buffer.
  let store = new Type(0);
  return (from) => {
    if (store.length < from.length) store = new Type(8 * Math.ceil(from.length / 6));
    const to = store.subarray(0, from.length);
    to.set(from);
    return to;
  };
}

function takeByIpc(batch: DecodedBatch): DecodedColumn[] {
  const table = tableFromIPC(batch.intoIPCStream());
  return table.schema.fields.map((_, i) => {
    const vector = table.getChildAt(i)!;
    const values: unknown = vector.toArray();
    const column = ArrayBuffer.isView(values)
      ? { values: values as DecodedValues }
      : columnFrom(Array.from(vector, (value) => String(value ?? '')));
    if (vector.nullCount === 0) return column;
    return { ...column, validity: validityOf(Array.from(vector, (value) => value !== null)) };
  });
}
