import { untilAborted } from './until-aborted.ts';

/** Counts the bytes of a file that are written from its beginning on, for those who read it meanwhile. */
export class WrittenBytes {
  #bytes = 0;
  #more = Promise.withResolvers<void>();

  /** Announces that the file has `bytes` bytes; fewer than announced before are ignored. */
  announce(bytes: number): void {
    if (bytes <= this.#bytes) return;
    this.#bytes = bytes;
    this.#more.resolve();
    this.#more = Promise.withResolvers();
  }

  /** Waits until the file has `bytes` bytes. @throws the reason of the signal once it is aborted */
  async reach(bytes: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    while (this.#bytes < bytes) await untilAborted(this.#more.promise, signal);
  }
}
