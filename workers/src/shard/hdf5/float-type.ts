import { counted } from '../../base/text/counted.ts';
import type { Fields } from './file-bytes.ts';

/** The layout of a floating-point number. */
export interface FloatType {
  bytes: number;
  /** First significant bit, and count of significant bits. */
  offset: number;
  precision: number;
  sign: number;
  exponentAt: number;
  exponentBits: number;
  digitsAt: number;
  digits: number;
  bias: number;
  byteOrder: 'little' | 'big' | 'other';
  /** Whether the leading digit is implied, as in IEEE 754. */
  leadingDigitImplied: boolean;
}

export const CLASS_FLOAT = 1;

/**
 * Reads a datatype message of class 1. Format: HDF5 File Format Specification 3.0, section IV.A.2.d.
 * @returns undefined for another class
 */
export function parseFloatType(fields: Fields): FloatType | undefined {
  if ((fields.uint(1) & 15) !== CLASS_FLOAT) return undefined;
  const [bits, sign] = [fields.uint(1), fields.uint(1)];
  fields.skip(1);
  const order = (bits & 1) | ((bits >> 5) & 2);
  return {
    bytes: fields.uint(4),
    offset: fields.uint(2),
    precision: fields.uint(2),
    sign,
    exponentAt: fields.uint(1),
    exponentBits: fields.uint(1),
    digitsAt: fields.uint(1),
    digits: fields.uint(1),
    bias: fields.uint(4),
    byteOrder: order === 0 ? 'little' : order === 1 ? 'big' : 'other',
    leadingDigitImplied: ((bits >> 4) & 3) === 2,
  };
}

/** Named types: [bytes, exponent bits, digits, bias]. */
const NAMED: ReadonlyArray<readonly [name: string, bytes: number, exponent: number, digits: number, bias: number]> = [
  ['float16', 2, 5, 10, 15],
  ['float32', 4, 8, 23, 127],
  ['float64', 8, 11, 52, 1023],
  ['bfloat16', 2, 8, 7, 127],
  ['float8 (e4m3)', 1, 4, 3, 7],
  ['float8 (e5m2)', 1, 5, 2, 15],
];

/** Returns the name of a type with the layout of IEEE 754, in either byte order; otherwise a description. */
export function nameFloatType(type: FloatType): string {
  const { bytes, exponentBits, digits, bias, byteOrder } = type;
  const isPacked =
    type.offset === 0 &&
    type.precision === 8 * bytes &&
    type.digitsAt === 0 &&
    type.exponentAt === digits &&
    type.sign === digits + exponentBits &&
    type.leadingDigitImplied &&
    byteOrder !== 'other';
  const named = NAMED.find((each) => each.slice(1).join() === [bytes, exponentBits, digits, bias].join());
  if (isPacked && named) return named[0];
  return `a float of ${counted(bytes, 'byte')} with ${exponentBits} bits of exponent and ${digits} of mantissa`;
}
