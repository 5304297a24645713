import { decodeFloat16 } from '../../base/bytes/float16.ts';
import type { VectorType } from '../../vectors/vector-type.ts';

/** Components of vectors: float32, or the words of float16. */
export type Components = Float32Array | Uint16Array;

/** A buffer for components. */
export function newComponents(type: VectorType, length: number): Components {
  return type === 'float32' ? new Float32Array(length) : new Uint16Array(length);
}

/** Components in memory that threads share. */
export function viewComponents(
  type: VectorType,
  buffer: ArrayBufferLike,
  byteOffset: number,
  length: number,
): Components {
  return type === 'float32'
    ? new Float32Array(buffer, byteOffset, length)
    : new Uint16Array(buffer, byteOffset, length);
}

/** Converts components of one type into the other. @returns `into` */
export function convertVectors(from: Components, into: Components): Components {
  if (from instanceof Uint16Array && into instanceof Float32Array) decodeFloat16(from, into, from.length);
  else if (into instanceof Uint16Array && from instanceof Float32Array)
    new Float16Array(into.buffer, into.byteOffset, into.length).set(from);
  else into.set(from);
  return into;
}
