import type { Utf8Column } from '../base/bytes/utf8-column.ts';

/** Collects the ids of a batch, byte by byte. */
export class BatchIds {
  #bytes = new Uint8Array(1 << 16);
  /** Ends of the ids in #bytes; the bytes after the last end belong to the current id. */
  #ends: number[] = [];
  #currentBytes = 0;

  /** Byte count of the ids of the batch, without the current one. */
  get bytes(): number {
    return this.#ends.at(-1) ?? 0;
  }

  /** Byte count of the current id. */
  get currentBytes(): number {
    return this.#currentBytes;
  }

  /** The current id, as a view that the next byte may invalidate. */
  get current(): Uint8Array {
    return this.#bytes.subarray(this.bytes, this.bytes + this.#currentBytes);
  }

  /** Appends a byte to the current id. */
  addByte(byte: number): void {
    const at = this.bytes + this.#currentBytes;
    if (at === this.#bytes.length) this.#bytes = grow(this.#bytes, at + 1);
    this.#bytes[at] = byte;
    this.#currentBytes++;
  }

  /** Adds the current id to the batch. */
  endCurrent(): void {
    this.#ends.push(this.bytes + this.#currentBytes);
    this.#currentBytes = 0;
  }

  clearCurrent(): void {
    this.#currentBytes = 0;
  }

  /** Returns the ids of the batch, and keeps only the current id. */
  take(): Utf8Column {
    const end = this.bytes;
    const column = { offsets: Int32Array.of(0, ...this.#ends), bytes: this.#bytes.slice(0, end) };
    this.#bytes.copyWithin(0, end, end + this.#currentBytes);
    this.#ends = [];
    return column;
  }
}

/** Returns a copy with at least `needed` bytes. */
export function grow(bytes: Uint8Array, needed: number): Uint8Array<ArrayBuffer> {
  const larger = new Uint8Array(Math.max(needed, bytes.length * 2));
  larger.set(bytes);
  return larger;
}
