/** Numbers of another type than float32. */
export type NumberArray =
  | Float32Array
  | Float64Array
  | Int8Array
  | Uint8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array;

/** The first number of an array that float32 does not hold: beyond its range, or an integer of too many digits. */
export interface LostNumber {
  index: number;
  value: number | bigint;
  isBeyondRange: boolean;
}

/** Rounds numbers to the nearest float32. @param into as many components as the numbers */
export function roundToFloat32(numbers: NumberArray, into: Float32Array): LostNumber | undefined {
  if (numbers instanceof BigInt64Array || numbers instanceof BigUint64Array) return roundBigIntegers(numbers, into);
  into.set(numbers);
  if (numbers instanceof Float64Array) return findBeyondRange(numbers, into);
  if (numbers instanceof Int32Array || numbers instanceof Uint32Array) return findRounded(numbers, into);
  return undefined;
}

function findBeyondRange(numbers: Float64Array, rounded: Float32Array): LostNumber | undefined {
  for (let index = 0; index < rounded.length; index++)
    if (Math.abs(rounded[index]!) === Number.POSITIVE_INFINITY && Number.isFinite(numbers[index]!))
      return { index, value: numbers[index]!, isBeyondRange: true };
  return undefined;
}

function findRounded(numbers: Int32Array | Uint32Array, rounded: Float32Array): LostNumber | undefined {
  for (let index = 0; index < rounded.length; index++)
    if (rounded[index]! !== numbers[index]!) return { index, value: numbers[index]!, isBeyondRange: false };
  return undefined;
}

const MAX_EXACT = 2n ** 24n;

function roundBigIntegers(numbers: BigInt64Array | BigUint64Array, into: Float32Array): LostNumber | undefined {
  let lost: LostNumber | undefined;
  for (let index = 0; index < into.length; index++) {
    const value = numbers[index]!;
    into[index] = nearestFloat32(value);
    const isSmall = value <= MAX_EXACT && value >= -MAX_EXACT;
    if (!lost && !isSmall && BigInt(into[index]!) !== value) lost = { index, value, isBeyondRange: false };
  }
  return lost;
}

/** Rounds once. Number() alone rounds to 53 bits, and float32 would round a second time, to another number where the first made a tie. */
function nearestFloat32(value: bigint): number {
  if (value <= Number.MAX_SAFE_INTEGER && value >= Number.MIN_SAFE_INTEGER) return Number(value);
  const cut = 11n;
  const head = value >> cut;
  // Rounds to odd: the last bit says that bits were cut.
  return Number(head << cut === value ? head : head | 1n) * 2 ** Number(cut);
}
