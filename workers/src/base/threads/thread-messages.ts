/** Messages between a thread and its owner: serve-requests.ts and worker-thread.ts. */

export type ToThread =
  | { kind: 'request'; id: number; method: string; request: unknown }
  /** The owner has handled an event, or failed to. */
  | { kind: 'handled'; event: number; failed: boolean }
  | { kind: 'close' };

export type FromThread =
  | { kind: 'answer'; id: number; value: unknown }
  | { kind: 'failure'; id: number; failure: ThreadFailure }
  | { kind: 'event'; id: number; event: number; value: unknown };

/** An error that crosses threads. Structured cloning drops its class and its own properties. */
export interface ThreadFailure {
  error: unknown;
  properties: Readonly<Record<string, unknown>>;
}

/** The context that a thread's method receives. */
export interface ThreadContext<Event> {
  /** Sends an event to the owner. @returns a promise that resolves when the owner has handled it, and rejects if that failed */
  emit(event: Event, transfer?: readonly ArrayBuffer[]): Promise<void>;
}

/** The methods of a thread. Each takes one request and returns an answer or a promise of one. */
export type ThreadMethods<M> = { [K in keyof M]: (request: never, context: ThreadContext<never>) => unknown };

export type RequestOf<Method> = Method extends (request: infer R, ...rest: never[]) => unknown ? R : never;

export type AnswerOf<Method> = Method extends (...args: never[]) => infer R
  ? Awaited<R> extends WithTransfer<infer T>
    ? T
    : Awaited<R>
  : never;

export type EventOf<Method> = Method extends (request: never, context: ThreadContext<infer E>) => unknown ? E : never;

/** An answer, and the buffers in it that move to the owner instead of being copied. */
export class WithTransfer<T> {
  readonly value: T;
  readonly transfer: readonly ArrayBuffer[];

  constructor(value: T, transfer: readonly ArrayBuffer[]) {
    this.value = value;
    this.transfer = transfer;
  }
}
