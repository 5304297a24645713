/**
 * Half precision (IEEE 754 binary16) as it is stored: 16-bit words. A table of all 65,536 values decodes
 * faster than arithmetic.
 */
let decodeTable: Float32Array | undefined;

/** Decodes `count` values. @param from the raw words */
export function decodeFloat16(from: Uint16Array, into: Float32Array, count: number): void {
  decodeTable ??= Float32Array.from(new Float16Array(Uint16Array.from({ length: 65536 }, (_, i) => i).buffer));
  for (let i = 0; i < count; i++) into[i] = decodeTable[from[i]!]!;
}
