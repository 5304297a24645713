/** The values of all 65,536 words of half precision (IEEE 754 binary16): a table lookup is faster than arithmetic. */
let decodeTable: Float32Array | undefined;

/** Decodes `count` half-precision values. @param from their 16-bit words */
export function decodeFloat16(from: Uint16Array, into: Float32Array, count: number): void {
  decodeTable ??= Float32Array.from(new Float16Array(Uint16Array.from({ length: 65536 }, (_, i) => i).buffer));
  for (let i = 0; i < count; i++) into[i] = decodeTable[from[i]!]!;
}
