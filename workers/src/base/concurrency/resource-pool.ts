import { Semaphore } from './semaphore.ts';

/** At most `count` resources, such as buffers, that are made when first needed and reused. */
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
