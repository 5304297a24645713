type NumberArray = Float32Array | Float64Array | Int32Array | Int8Array;

/** Creates an array of zeros in memory that threads share. */
export function sharedArray<T extends NumberArray>(length: number, Type: SharedArrayType<T>): T {
  return new Type(new SharedArrayBuffer(length * Type.BYTES_PER_ELEMENT));
}

/** Copies numbers to memory that threads share. */
export function sharedCopy<T extends NumberArray>(values: ArrayLike<number>, Type: SharedArrayType<T>): T {
  const copy = sharedArray(values.length, Type);
  copy.set(values);
  return copy;
}

interface SharedArrayType<T> {
  readonly BYTES_PER_ELEMENT: number;
  new (buffer: SharedArrayBuffer): T;
}
