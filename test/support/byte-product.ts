/**
 * The addition of products of an unsigned and a signed byte in a processor. `in32Bits`: each to a sum of 32 bits (VNNI, AMX, ARM).
 * `inPairs`: first two neighbours in 16 bits, which saturate (vpmaddubsw: SSE, AVX2 and AVX-512 without VNNI).
 */
export const PROCESSORS = ['in32Bits', 'inPairs'] as const;
export type Processor = (typeof PROCESSORS)[number];

/** Returns the inner product of bytes as that processor computes it. @param stride of `signed` */
export function byteProduct(
  processor: Processor,
  unsigned: ArrayLike<number>,
  signed: ArrayLike<number>,
  from = 0,
  stride = 1,
): number {
  let total = 0;
  for (let i = 0; i < unsigned.length; i += 2) {
    // An odd last product is paired with zero.
    const second = i + 1 < unsigned.length ? unsigned[i + 1]! * signed[from + (i + 1) * stride]! : 0;
    const pair = unsigned[i]! * signed[from + i * stride]! + second;
    total += processor === 'inPairs' ? Math.max(-32768, Math.min(32767, pair)) : pair;
  }
  return total;
}

/**
 * Returns whether products of these signed bytes with any unsigned bytes are exact on every processor, by the unsigned bytes that
 * make the sums of pairs largest and smallest.
 * @param from of the first byte @param count of bytes @param stride between them
 */
export function isExactEverywhere(signed: ArrayLike<number>, from: number, count: number, stride: number): boolean {
  return [1, -1].every((sign) => {
    const unsigned = Uint8Array.from({ length: count }, (_, i) => (signed[from + i * stride]! * sign > 0 ? 255 : 0));
    const [sum, sumOfPairs] = PROCESSORS.map((processor) => byteProduct(processor, unsigned, signed, from, stride));
    return sum === sumOfPairs;
  });
}
