import { decodeFloat16 } from '../../base/bytes/float16.ts';
import type { VectorType } from '../../vectors/vector-type.ts';
import type { Fields } from '../hdf5/file-bytes.ts';
import { CLASS_FLOAT, nameFloatType, parseFloatType } from '../hdf5/float-type.ts';
import type { NumberArray } from './float32-rounding.ts';

/** Types of numbers that can be read as vectors: those of shards, and others that are converted to float32. */
const READERS = {
  float64: (bytes: ArrayBuffer) => new Float64Array(bytes),
  int8: (bytes: ArrayBuffer) => new Int8Array(bytes),
  uint8: (bytes: ArrayBuffer) => new Uint8Array(bytes),
  int16: (bytes: ArrayBuffer) => new Int16Array(bytes),
  uint16: (bytes: ArrayBuffer) => new Uint16Array(bytes),
  int32: (bytes: ArrayBuffer) => new Int32Array(bytes),
  uint32: (bytes: ArrayBuffer) => new Uint32Array(bytes),
  int64: (bytes: ArrayBuffer) => new BigInt64Array(bytes),
  uint64: (bytes: ArrayBuffer) => new BigUint64Array(bytes),
} as const;

/** A type that is converted to float32. */
export type ConvertedType = keyof typeof READERS;
export type NumberType = VectorType | ConvertedType;

export const NUMBER_BYTES: Readonly<Record<NumberType, number>> = {
  ...{ float16: 2, float32: 4, float64: 8 },
  ...{ int8: 1, uint8: 1, int16: 2, uint16: 2, int32: 4, uint32: 4, int64: 8, uint64: 8 },
};

export function isConverted(type: NumberType): type is ConvertedType {
  return type in READERS;
}

export function isNumberType(name: string): name is NumberType {
  return Object.hasOwn(NUMBER_BYTES, name);
}

/** The type in which a shard has vectors that a file stores as `type`. */
export function storedVectorType(type: NumberType): VectorType {
  return isConverted(type) ? 'float32' : type;
}

/** Returns stored numbers as an array. @param bytes little-endian */
export function numbersOf(bytes: Uint8Array, type: ConvertedType): NumberArray {
  // Not slice(), which does not copy the bytes of a Buffer.
  return READERS[type](new Uint8Array(bytes).buffer);
}

/** Copies float32, or decodes float16. @param bytes little-endian @param into as many components as the numbers */
export function decodeVectors(bytes: Uint8Array, type: VectorType, into: Float32Array): void {
  const copy = new Uint8Array(bytes).buffer;
  if (type === 'float16') decodeFloat16(new Uint16Array(copy), into, into.length);
  else into.set(new Float32Array(copy));
}

/** The type of a dataset's elements. */
export interface ElementType {
  kind: 'number' | 'text' | 'other';
  /** For messages; a NumberType where it can be read. */
  name: string;
  isLittleEndian: boolean;
}

const CLASS = { integer: 0, text: 3, sequence: 9 } as const;

/** Reads a datatype message. Format: HDF5 File Format Specification 3.0, section IV.A.2.d. @param fields returns it anew */
export function readElementType(fields: () => Fields): ElementType {
  const own = fields();
  const [head, bits] = [own.uint(1), own.uint(1)];
  own.skip(2);
  const byteLength = own.uint(4);
  const kind = head & 15;
  if (kind === CLASS_FLOAT) {
    const float = parseFloatType(fields())!;
    return { kind: 'number', name: nameFloatType(float), isLittleEndian: float.byteOrder === 'little' };
  }
  if (kind === CLASS.integer) {
    const isPacked = own.uint(2) === 0 && own.uint(2) === 8 * byteLength;
    const name = `${bits & 8 ? 'int' : 'uint'}${8 * byteLength}${isPacked ? '' : ' (padded)'}`;
    return { kind: 'number', name, isLittleEndian: (bits & 1) === 0 };
  }
  const isText = kind === CLASS.text || (kind === CLASS.sequence && (bits & 15) === 1);
  return { kind: isText ? 'text' : 'other', name: isText ? 'strings' : 'another type', isLittleEndian: true };
}
