/** A thread that waits looks this often whether it must stop. */
const CHECK_MS = 250;

/** Counts the bytes of a file that are written from its beginning on, in memory that threads share: they read what is there. */
export class WrittenBytes {
  /** To be passed to threads. */
  readonly memory: SharedArrayBuffer;
  readonly #count: BigInt64Array;

  constructor(memory: SharedArrayBuffer = new SharedArrayBuffer(8)) {
    this.memory = memory;
    this.#count = new BigInt64Array(memory);
  }

  /** Announces that the file has `bytes` bytes; fewer than announced before are ignored. */
  announce(bytes: number): void {
    if (Number(Atomics.load(this.#count, 0)) >= bytes) return;
    Atomics.store(this.#count, 0, BigInt(bytes));
    Atomics.notify(this.#count, 0);
  }

  /** Waits until the file has `bytes` bytes. @throws the reason of the signal once it is aborted */
  async reach(bytes: number, signal: AbortSignal): Promise<void> {
    for (;;) {
      signal.throwIfAborted();
      const count = Atomics.load(this.#count, 0);
      if (Number(count) >= bytes) return;
      const change = Atomics.waitAsync(this.#count, 0, count, CHECK_MS);
      if (change.async) await change.value;
    }
  }
}
