/** Collects which rows have a value as Arrow's bitmap: bit `row & 7` of byte `row >> 3` is 1 where the row has one. */
export interface ValidityBuilder {
  push(isPresent: boolean): void;
  /** Returns the bitmap of the rows since the last call; undefined where all have a value. */
  take(): Uint8Array | undefined;
}

/** Creates a builder. @param maxRows most rows between two calls of `take` */
export function createValidityBuilder(maxRows: number): ValidityBuilder {
  const bits = new Uint8Array((maxRows + 7) >> 3);
  let [rows, nulls] = [0, 0];
  return {
    push(isPresent) {
      if (isPresent) bits[rows >> 3]! |= 1 << (rows & 7);
      else nulls++;
      rows++;
    },
    take() {
      const taken = nulls > 0 ? bits.slice(0, (rows + 7) >> 3) : undefined;
      bits.fill(0);
      [rows, nulls] = [0, 0];
      return taken;
    },
  };
}

/** Returns the bitmap of rows; undefined where all have a value. */
export function validityOf(present: readonly boolean[]): Uint8Array | undefined {
  const validity = createValidityBuilder(present.length);
  for (const isPresent of present) validity.push(isPresent);
  return validity.take();
}
