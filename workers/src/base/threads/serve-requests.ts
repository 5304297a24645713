import { parentPort } from 'node:worker_threads';
import { Semaphore } from '../concurrency/semaphore.ts';
import { encodeFailure } from './thread-error.ts';
import {
  type FromThread,
  type ThreadContext,
  type ThreadMethods,
  type ToThread,
  WithTransfer,
} from './thread-messages.ts';

export interface ServeOptions {
  /** Requests handled concurrently, for methods that mostly wait. Default: one, so methods may share state. */
  concurrency?: number;
  /** Releases the thread's resources when its owner closes it. */
  onClose?: () => void | Promise<void>;
}

type AnyMethod = (request: unknown, context: ThreadContext<unknown>) => unknown;

/**
 * Answers the requests of this thread's owner, a `WorkerThread` or `ThreadPool`, until the owner closes the thread. Export the type of
 * the methods for the owner. Requests that arrive before this call wait.
 */
export function serveRequests<M extends ThreadMethods<M>>(
  methods: M,
  { concurrency = 1, onClose }: ServeOptions = {},
): void {
  if (!parentPort) throw new Error('serveRequests is for worker threads.');
  const port = parentPort;
  const slots = new Semaphore(concurrency);
  const events = new Map<number, PromiseWithResolvers<void>>();
  let lastEvent = 0;
  const post = (message: FromThread, transfer: readonly ArrayBuffer[] = []) => port.postMessage(message, transfer);

  const emit = (id: number, value: unknown, transfer?: readonly ArrayBuffer[]): Promise<void> => {
    const handled = Promise.withResolvers<void>();
    handled.promise.catch(() => {}); // a method may emit without waiting; the owner fails the request anyway
    const event = ++lastEvent;
    post({ kind: 'event', id, event, value }, transfer);
    events.set(event, handled);
    return handled.promise;
  };

  const answer = async ({ id, method, request }: Extract<ToThread, { kind: 'request' }>): Promise<void> => {
    await slots.acquire();
    try {
      const context = { emit: (value: unknown, transfer?: readonly ArrayBuffer[]) => emit(id, value, transfer) };
      const result = await (methods as unknown as Record<string, AnyMethod>)[method]!(request, context);
      if (result instanceof WithTransfer) post({ kind: 'answer', id, value: result.value }, result.transfer);
      else post({ kind: 'answer', id, value: result });
    } catch (error) {
      post({ kind: 'failure', id, failure: encodeFailure(error) });
    } finally {
      slots.release();
    }
  };

  const close = async (): Promise<void> => {
    for (let i = 0; i < concurrency; i++) await slots.acquire(); // all requests are answered
    await onClose?.();
    port.close();
  };

  port.on('message', (message: ToThread) => {
    if (message.kind === 'request') void answer(message);
    else if (message.kind === 'close') void close();
    else {
      const handled = events.get(message.event);
      events.delete(message.event);
      if (message.failed) handled?.reject(new Error('The owner of this thread could not handle what it emitted.'));
      else handled?.resolve();
    }
  });
}

/**
 * Stops this thread with an error, which rejects all of its requests. For methods after which the thread is unusable, such as one whose
 * library crashed.
 */
export function failThread(error: Error): Promise<never> {
  queueMicrotask(() => {
    throw error;
  });
  return new Promise<never>(() => {});
}
