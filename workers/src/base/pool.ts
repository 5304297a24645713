/** A fixed number of things that are used again; taking one waits until one is free. */
export class Pool<T extends object> {
  readonly #free: T[];
  readonly #waiting: Array<() => void> = [];

  constructor(items: readonly T[]) {
    this.#free = [...items];
  }

  async take(): Promise<T & { release(): void }> {
    while (this.#free.length === 0) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    const item = this.#free.pop()!;
    const release = () => {
      this.#free.push(item);
      this.#waiting.shift()?.();
    };
    return { ...item, release };
  }
}
