import { type ChecksumAlgorithm, CRC64 } from '../../base/bytes/checksum.ts';
import type { ByteSink } from './fast-get.ts';

/** Writes what comes in blocks: while one is written the other is filled. */
export class BlockWriter implements ByteSink {
  readonly #write: (block: Buffer, position: number) => Promise<void>;
  readonly #writing = new Set<Promise<void>>();
  #filling: Buffer;
  #other: Buffer;
  /** Ends when the other block may be filled again. */
  #otherWritten: Promise<void> | undefined;
  #used = 0;
  #position: number;
  readonly #algorithm: ChecksumAlgorithm;
  #checksum = 0n;

  /** @param position where the first byte goes */
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

  room(): Buffer {
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

  /** Writes what is left, and waits for all. @returns checksum of all that came */
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
    // One that fails stays, for `end` to throw.
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
