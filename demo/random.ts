/** A seeded source of random numbers, the same on every machine (integer arithmetic only). */
export interface Random {
  /** Uniform in [0, 1), 32 bits. */
  next(): number;
  /** Uniform integer in [0, bound). */
  below(bound: number): number;
  /** True with this probability. */
  chance(probability: number): boolean;
  /** Uniform in [low, high). */
  between(low: number, high: number): number;
}

/**
 * Creates a separate source for every combination of keys, so that any protein of the demo can be made without
 * those before it. xoshiro128** (Blackman and Vigna 2018), state filled by murmur3's finalizer.
 */
export function createRandom(...keys: number[]): Random {
  let a = mix(0x9e3779b9);
  let b = mix(0x243f6a88);
  let c = mix(0xb7e15162);
  let d = mix(0xdeadbeef);
  for (const key of keys) [a, b, c, d] = [mix(b ^ key), mix(c + key), mix(d ^ (key << 7)), mix(a + 1)];
  const next = () => {
    const scrambled = Math.imul(rotate(Math.imul(b, 5), 7), 9);
    const shifted = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= shifted;
    d = rotate(d, 11);
    return (scrambled >>> 0) / 2 ** 32;
  };
  return {
    next,
    below: (bound) => Math.floor(next() * bound),
    chance: (probability) => next() < probability,
    between: (low, high) => low + (high - low) * next(),
  };
}

function rotate(word: number, bits: number): number {
  return (word << bits) | (word >>> (32 - bits));
}

function mix(word: number): number {
  let hash = word | 0;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}
