/** Texts end to end, in memory that threads share; unlike a Utf8Column, of any length together. */
export interface SharedTexts {
  /** length = texts + 1 */
  offsets: Float64Array;
  bytes: Uint8Array;
}

/** Returns a text as a view. */
export function sharedText({ offsets, bytes }: SharedTexts, at: number): Uint8Array {
  return bytes.subarray(offsets[at], offsets[at + 1]);
}

/** Allocates texts of these total lengths. */
export function allocateTexts(count: number, byteLength: number): SharedTexts {
  return {
    offsets: new Float64Array(new SharedArrayBuffer(8 * (count + 1))),
    bytes: new Uint8Array(new SharedArrayBuffer(byteLength)),
  };
}

/** A key holds a distance in 32 bits and a position in these. */
const POSITION_BITS = 21;
const POSITIONS = 2 ** POSITION_BITS;

/**
 * Ranks rows by distance, ties by the bytes of their ids.
 * @param distances float32 each; none is NaN
 * @param idOf the id of the row at a position
 * @returns positions of the k nearest, nearest first
 */
export function rankRows(
  distances: ArrayLike<number>,
  count: number,
  k: number,
  idOf: (position: number) => Uint8Array,
): Int32Array {
  const nearestFirst = sortByDistance(distances, count);
  const compareIds = (a: number, b: number) => Buffer.compare(idOf(a), idOf(b));
  // Ties are sorted only as far as they are among the k nearest.
  for (let from = 0; from < Math.min(k, count); ) {
    let to = from + 1;
    while (to < count && distances[nearestFirst[to]!] === distances[nearestFirst[from]!]) to++;
    if (to - from > 1) nearestFirst.subarray(from, to).sort(compareIds);
    from = to;
  }
  return nearestFirst.subarray(0, Math.min(k, count));
}

/** Sorts keys as numbers, which is several times faster than with a comparison in JavaScript. */
function sortByDistance(distances: ArrayLike<number>, count: number): Int32Array {
  const positions = new Int32Array(count);
  if (count > POSITIONS) {
    for (let i = 0; i < count; i++) positions[i] = i;
    return positions.sort((a, b) => distances[a]! - distances[b]!);
  }
  const keys = new Float64Array(count);
  const float = new Float32Array(1);
  const bits = new Uint32Array(float.buffer);
  for (let i = 0; i < count; i++) {
    float[0] = distances[i]! + 0; // -0 is 0
    // The order of float32 as whole numbers: all bits of negative ones are inverted, of others the sign.
    const ordered = bits[0]! >= 0x80000000 ? 0xffffffff - bits[0]! : bits[0]! + 0x80000000;
    keys[i] = ordered * POSITIONS + i;
  }
  keys.sort();
  for (let i = 0; i < count; i++) positions[i] = keys[i]! % POSITIONS;
  return positions;
}
