import type { RowSpan } from '../bucket/fragment-blocks.ts';
import { LARGEST_CODE } from '../vectors/quantize.ts';

const ROUNDS = 4;

/** Returns the byte count of the random signs that define a rotation of D components. */
export function rotationSignBytes(dimension: number): number {
  return ROUNDS * Math.ceil(dimension / 8);
}

/**
 * Fills rows [first, end) of the rotation as a matrix: `rotated = row * matrix`.
 * @param matrix [D, D]
 * @param signs bits, `rotationSignBytes(D)` bytes
 */
export function fillRotation(matrix: Float32Array, signs: Uint8Array, { first, end }: RowSpan): void {
  const dimension = Math.sqrt(matrix.length);
  for (let i = first; i < end; i++) {
    const row = matrix.subarray(i * dimension, (i + 1) * dimension);
    row.fill(0);
    row[i] = 1;
    rotate(row, signs);
  }
}

/**
 * Rotates one row in place: four rounds of sign changes, Walsh-Hadamard transforms of the largest power of two at the head and
 * tail in turn, and sums and differences of the two halves.
 */
export function rotate(row: Float32Array, signs: Uint8Array): void {
  const dimension = row.length;
  const signBytes = Math.ceil(dimension / 8);
  const window = 2 ** Math.floor(Math.log2(dimension));
  const isPower = window === dimension;
  for (let round = 0; round < ROUNDS; round++) {
    for (let i = 0; i < dimension; i++) if ((signs[round * signBytes + (i >> 3)]! >> (i & 7)) & 1) row[i] = -row[i]!;
    hadamard(round % 2 === 0 || isPower ? row.subarray(0, window) : row.subarray(dimension - window));
    if (!isPower) butterfly(row, Math.floor(dimension / 2));
  }
  if (!isPower) for (let i = 0; i < dimension; i++) row[i]! *= 0.25;
}

/** The orthonormal Walsh-Hadamard transform. */
function hadamard(values: Float32Array): void {
  for (let half = 1; half < values.length; half *= 2)
    for (let start = 0; start < values.length; start += 2 * half) butterfly(values.subarray(start), half);
  const scale = 1 / Math.sqrt(values.length);
  for (let i = 0; i < values.length; i++) values[i]! *= scale;
}

function butterfly(values: Float32Array, half: number): void {
  for (let i = 0; i < half; i++) {
    const x = values[i]!;
    const y = values[i + half]!;
    values[i] = x + y;
    values[i + half] = x - y;
  }
}

/** Quantizes the rotation: small integers, all scaled by the same number. @returns [D, D] */
export function quantizeMatrix(matrix: Float32Array): Int8Array {
  // Loops, not callbacks: threads run this at their start, before it is compiled.
  let largest = 0;
  for (let i = 0; i < matrix.length; i++) {
    const size = Math.abs(matrix[i]!);
    if (size > largest) largest = size;
  }
  const codes = new Int8Array(matrix.length);
  for (let i = 0; i < matrix.length; i++) codes[i] = Math.round((matrix[i]! / largest) * LARGEST_CODE);
  return codes;
}
