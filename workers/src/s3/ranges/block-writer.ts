import { type ChecksumAlgorithm, CRC64 } from '../../base/bytes/checksum.ts';
import type { ByteSink } from '../drain.ts';

/** Writes received bytes in blocks: one block is written while the other is filled. */
export class BlockWriter implements ByteSink {
  readonly #write: (block: Buffer, position: number) => Promise<void>;
  readonly #writing = new Set<Promise<void>>();
  #filling: Buffer;
  #other: Buffer;
  /** Resolves when the other block may be filled again. */
  #otherWritten: Promise<void> | undefined;
  #used = 0;
  #position: number;
  readonly #algorithm: ChecksumAlgorithm;
  #checksum = 0n;

  /** @param position of the first byte */
  constructor(
    write: (block: Buffer, position: number) => Promise<void>,
    position: number,
    blockBytes: number,
    algorithm = CRC64,
  ) {
    this.#write = write;
    this.#position = position;
    this.#algorithm = algorithm;
    this.#filling = Buffer.allocUnsafeSlow(blockBytes);
    this.#other = Buffer.allocUnsafeSlow(blockBytes);
  }

  buffer(): Buffer {
    return this.#filling.subarray(this.#used);
  }

  filled(bytes: number): undefined | Promise<void> {
    this.#used += bytes;
    if (this.#used < this.#filling.length) return undefined;
    const free = this.#otherWritten;
    const written = this.#begin();
    this.#otherWritten = written;
    const done = () => {
      if (this.#otherWritten === written) this.#otherWritten = undefined;
    };
    written.then(done, done);
    [this.#filling, this.#other] = [this.#other, this.#filling];
    return free;
  }

  /** Writes the last block, and waits for all writes. @returns checksum of all bytes */
  async end(): Promise<bigint> {
    if (this.#used > 0) this.#begin();
    const failed = (await Promise.allSettled(this.#writing)).find((write) => write.status === 'rejected');
    if (failed) throw failed.reason;
    return this.#checksum;
  }

  #begin(): Promise<void> {
    const block = this.#filling.subarray(0, this.#used);
    this.#checksum = this.#algorithm.of(block, this.#checksum);
    const written = this.#write(block, this.#position);
    // A failed write stays in the set, for `end` to throw.
    this.#writing.add(written);
    written.then(
      () => this.#writing.delete(written),
      () => {},
    );
    this.#position += this.#used;
    this.#used = 0;
    return written;
  }
}
