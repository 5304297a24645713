import { Semaphore } from './semaphore.ts';

/** A pool of at most `count` resources, such as buffers, which are created when first needed and then reused. */
export class ResourcePool<T> {
  readonly #slots: Semaphore;
  readonly #free: T[] = [];
  readonly #create: () => T;

  constructor(count: number, create: () => T) {
    this.#slots = new Semaphore(count);
    this.#create = create;
  }

  /** Waits until a resource is free. */
  async acquire(): Promise<T> {
    await this.#slots.acquire();
    return this.#free.pop() ?? this.#create();
  }

  release(resource: T): void {
    this.#free.push(resource);
    this.#slots.release();
  }
}
