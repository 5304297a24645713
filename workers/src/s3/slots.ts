/** A number of things that may be held at once. */
export class Slots {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  constructor(count: number) {
    this.#free = count;
  }

  async acquire(): Promise<void> {
    if (this.#free > 0) this.#free--;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  release(): void {
    const next = this.#waiting.shift();
    if (next) next();
    else this.#free++;
  }
}

/** Buffers that are used again: memory that is new costs as much time as reading into it. */
export class Buffers {
  readonly #slots: Slots;
  readonly #free: Buffer[] = [];
  readonly #bytes: number;

  constructor(count: number, bytes: number) {
    this.#slots = new Slots(count);
    this.#bytes = bytes;
  }

  async acquire(): Promise<Buffer> {
    await this.#slots.acquire();
    return this.#free.pop() ?? Buffer.allocUnsafeSlow(this.#bytes);
  }

  release(buffer: Buffer): void {
    this.#free.push(buffer);
    this.#slots.release();
  }
}

/**
 * Does something with each item, `atOnce` at a time, in their order. The first failure stops the others and is
 * thrown when all have ended.
 * @returns the results in the order of the items
 */
export async function runAll<T, R>(
  items: readonly T[],
  atOnce: number,
  use: (item: T, signal: AbortSignal, index: number) => Promise<R>,
): Promise<R[]> {
  const results: R[] = new Array(items.length);
  const stop = new AbortController();
  let next = 0;
  let failure: { error: unknown } | undefined;
  async function work(): Promise<void> {
    while (next < items.length && !stop.signal.aborted) {
      const index = next++;
      try {
        results[index] = await use(items[index]!, stop.signal, index);
      } catch (error) {
        failure ??= { error };
        stop.abort();
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, work));
  if (failure) throw failure.error;
  return results;
}
