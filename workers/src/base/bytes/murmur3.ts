const C1 = 0x239b961b;
const C2 = 0xab0e9789;
const C3 = 0x38b34ae5;
const C4 = 0xa1e38b93;

/**
 * Hashes bytes [start, end) by MurmurHash3 x86 128 bits with seed 0 (Austin Appleby, public domain).
 * https://github.com/aappleby/smhasher/blob/master/src/MurmurHash3.cpp
 * @param into receives four words, from `at`
 */
export function murmur3(bytes: Uint8Array, start: number, end: number, into: Uint32Array, at: number): void {
  let h1 = 0;
  let h2 = 0;
  let h3 = 0;
  let h4 = 0;
  let p = start;
  for (; p + 16 <= end; p += 16) {
    h1 = Math.imul(rotate(h1 ^ scramble(word(bytes, p), C1, 15, C2), 19) + h2, 5) + 0x561ccd1b;
    h2 = Math.imul(rotate(h2 ^ scramble(word(bytes, p + 4), C2, 16, C3), 17) + h3, 5) + 0x0bcaa747;
    h3 = Math.imul(rotate(h3 ^ scramble(word(bytes, p + 8), C3, 17, C4), 15) + h4, 5) + 0x96cd1c35;
    h4 = Math.imul(rotate(h4 ^ scramble(word(bytes, p + 12), C4, 18, C1), 13) + h1, 5) + 0x32ac3b17;
  }
  h4 ^= scramble(lastWord(bytes, p + 12, end), C4, 18, C1);
  h3 ^= scramble(lastWord(bytes, p + 8, end), C3, 17, C4);
  h2 ^= scramble(lastWord(bytes, p + 4, end), C2, 16, C3);
  h1 ^= scramble(lastWord(bytes, p, end), C1, 15, C2);

  const length = end - start;
  h1 ^= length;
  h2 ^= length;
  h3 ^= length;
  h4 ^= length;
  h1 = (h1 + h2 + h3 + h4) | 0;
  h2 = (h2 + h1) | 0;
  h3 = (h3 + h1) | 0;
  h4 = (h4 + h1) | 0;
  h1 = finish(h1);
  h2 = finish(h2);
  h3 = finish(h3);
  h4 = finish(h4);
  h1 = (h1 + h2 + h3 + h4) | 0;
  into[at] = h1;
  into[at + 1] = h2 + h1;
  into[at + 2] = h3 + h1;
  into[at + 3] = h4 + h1;
}

function word(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
}

/** Reads a word of the tail: bytes from `end` on are zero. */
function lastWord(bytes: Uint8Array, at: number, end: number): number {
  let value = 0;
  for (let p = Math.min(end, at + 4) - 1; p >= at; p--) value = (value << 8) | bytes[p]!;
  return value;
}

function scramble(value: number, multiplier: number, bits: number, next: number): number {
  return Math.imul(rotate(Math.imul(value, multiplier), bits), next);
}

function rotate(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits));
}

function finish(hash: number): number {
  let h = hash;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}
