import { columnText, type Utf8Column } from '../../base/bytes/utf8-column.ts';

const FIRST_ROWS = 1024;
const FIRST_BYTES = 16 * FIRST_ROWS;
/** Offsets have 32 bits. */
const MAX_BYTES = 2 ** 31 - 1;
const encoder = new TextEncoder();

/** Paths of datasets and a number for each, in two arrays: 12 bytes a dataset, and those of its path. */
export class DatasetList {
  #length = 0;
  #offsets = new Int32Array(FIRST_ROWS + 1);
  #bytes = new Uint8Array(FIRST_BYTES);
  #numbers = new Float64Array(FIRST_ROWS);

  get length(): number {
    return this.#length;
  }

  /** @returns false if the list has no space for another path */
  push(path: string, value: number): boolean {
    const row = this.#length;
    const at = this.#offsets[row]!;
    const end = at + Buffer.byteLength(path);
    if (end > MAX_BYTES) return false;
    if (row === this.#numbers.length) {
      this.#offsets = grown(this.#offsets, new Int32Array(2 * row + 1));
      this.#numbers = grown(this.#numbers, new Float64Array(2 * row));
    }
    if (end > this.#bytes.length)
      this.#bytes = grown(this.#bytes, new Uint8Array(Math.min(MAX_BYTES, Math.max(end, 2 * this.#bytes.length))));
    encoder.encodeInto(path, this.#bytes.subarray(at));
    this.#offsets[row + 1] = end;
    this.#numbers[row] = value;
    this.#length++;
    return true;
  }

  path(row: number): string {
    return columnText(this.paths, row);
  }

  value(row: number): number {
    return this.#numbers[row]!;
  }

  /** All paths; shares the memory of the list. */
  get paths(): Utf8Column {
    return { offsets: this.#offsets.subarray(0, this.#length + 1), bytes: this.#bytes };
  }
}

function grown<T extends Int32Array | Float64Array | Uint8Array>(from: T, into: T): T {
  into.set(from);
  return into;
}
