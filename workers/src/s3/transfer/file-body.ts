/**
 * A range of a file, or all of it, as the body of lib-storage's `Upload`, which cuts a Uint8Array into parts by `subarray` without
 * copying it. It holds no bytes: the sender of a part reads them into a buffer of its own.
 */
export class FileBody extends Uint8Array {
  /** Position in the file. */
  readonly start: number;
  readonly #bytes: number;

  constructor(start: number, bytes: number) {
    super(0);
    this.start = start;
    this.#bytes = bytes;
  }

  override get byteLength(): number {
    return this.#bytes;
  }

  /** @returns the range from `begin` to before `end`, relative to this one and cut at its end */
  override subarray(begin = 0, end = this.#bytes): FileBody {
    return new FileBody(this.start + begin, Math.min(end, this.#bytes) - begin);
  }
}
