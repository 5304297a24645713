import { columnLength, type Utf8Column } from '../../base/bytes/utf8-column.ts';

/** Collects rows of a utf8 column for one page of a data file. */
export class TextPage {
  #ends = new BigUint64Array(4096);
  #bytes = new Uint8Array(2 ** 16);
  #filled = 0;
  rows = 0;

  /** Bytes of the page. */
  get byteCount(): number {
    return this.#filled + 8 * this.rows;
  }

  /** Copies rows. */
  add({ offsets, bytes }: Utf8Column): void {
    const added = columnLength({ offsets, bytes });
    const first = offsets[0]!;
    const text = bytes.subarray(first, offsets[added]!);
    if (this.rows + added > this.#ends.length) this.#ends = grown(this.#ends, this.rows + added, BigUint64Array);
    if (this.#filled + text.length > this.#bytes.length)
      this.#bytes = grown(this.#bytes, this.#filled + text.length, Uint8Array);
    this.#bytes.set(text, this.#filled);
    // Pairs of 32-bit words: one BigInt per row would be ten times slower.
    const words = new Uint32Array(this.#ends.buffer);
    for (let row = 0; row < added; row++) {
      const end = this.#filled + offsets[row + 1]! - first;
      words[2 * (this.rows + row)] = end;
      words[2 * (this.rows + row) + 1] = end / 2 ** 32;
    }
    this.#filled += text.length;
    this.rows += added;
  }

  /** Empties the page. @returns views of its buffers, valid until rows are added */
  take(): { rows: number; ends: Uint8Array; bytes: Uint8Array } {
    const page = {
      rows: this.rows,
      ends: new Uint8Array(this.#ends.buffer, 0, 8 * this.rows),
      bytes: this.#bytes.subarray(0, this.#filled),
    };
    this.rows = 0;
    this.#filled = 0;
    return page;
  }
}

/** Returns a copy of at least twice the length, so that adding n rows takes time in proportion to n. */
function grown<T extends Uint8Array | BigUint64Array>(values: T, length: number, Type: new (length: number) => T): T {
  const longer = new Type(Math.max(length, 2 * values.length));
  longer.set(values as never);
  return longer;
}
