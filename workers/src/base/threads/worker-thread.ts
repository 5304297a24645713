import { setTimeout as delay } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { busyThreads } from './busy-threads.ts';
import { decodeFailure, errorOfDeath } from './thread-error.ts';
import type { AnswerOf, EventOf, FromThread, RequestOf, ThreadMethods, ToThread } from './thread-messages.ts';

/** Time that a thread has to leave native code before it is terminated: inside such code, as while a library loads, that aborts the process. */
const LEAVE_MS = 5000;

export interface ThreadOptions {
  /** The thread's purpose in a word or two, for errors and for tools that list threads. */
  name: string;
  /** Available in the thread as `workerData` of node:worker_threads. */
  workerData?: unknown;
  /** Terminates the thread when aborted. */
  signal?: AbortSignal | undefined;
  /** Whether methods call slow native code, such as ONNX Runtime: a signal then kills the process without `process.exit`. */
  runsNativeCode?: boolean;
  /** Called once, with the reason, if the thread stops without having been closed. */
  onFailure?: ((reason: Error) => void) | undefined;
}

export interface CallOptions<Event> {
  /** Buffers of the request that move to the thread instead of being copied. */
  transfer?: readonly ArrayBuffer[];
  /** Handles events of the method. The thread is notified when the returned promise resolves. Its failure fails the request. */
  onEvent?: (event: Event) => void | Promise<void>;
}

interface Call {
  resolve(answer: unknown): void;
  reject(reason: Error): void;
  onEvent: ((event: unknown) => void | Promise<void>) | undefined;
  eventFailure?: Error;
}

/**
 * A worker thread that serves methods M: its module passes them to `serveRequests`. A request is answered, or rejected with an error of
 * the method or the reason why the thread stopped (an uncaught error, lack of memory, process.exit). An idle thread does not keep the
 * process alive.
 */
export class WorkerThread<M extends ThreadMethods<M>> {
  readonly #worker: Worker;
  readonly #name: string;
  readonly #runsNativeCode: boolean;
  readonly #exited: Promise<void>;
  readonly #calls = new Map<number, Call>();
  readonly #onFailure: ThreadOptions['onFailure'];
  #lastId = 0;
  #isClosing = false;
  #failure: Error | undefined;
  #terminated: Promise<void> | undefined;

  /** @param module of the thread; also import its type, so that it counts as a source of the stage */
  constructor(module: URL, { name, workerData, signal, runsNativeCode = false, onFailure }: ThreadOptions) {
    this.#name = name;
    this.#runsNativeCode = runsNativeCode;
    this.#onFailure = onFailure;
    this.#worker = new Worker(module, { workerData, name });
    this.#worker.unref();
    const abort = () => void this.terminate(toError(signal!.reason));
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#exited = promise;
    this.#worker.on('message', (message: FromThread) => this.#receive(message));
    this.#worker.on('messageerror', (error) => void this.terminate(error));
    this.#worker.on('error', (error) => this.#fail(errorOfDeath(error, name)));
    this.#worker.on('exit', (code) => {
      signal?.removeEventListener('abort', abort);
      busyThreads.delete(this);
      if (!this.#isClosing || this.#calls.size > 0 || code !== 0)
        this.#fail(new Error(`The thread "${name}" exited with code ${code} before its work was done.`));
      resolve();
    });
    if (signal?.aborted) abort();
    else signal?.addEventListener('abort', abort, { once: true });
  }

  /** Requests without an answer. */
  get pending(): number {
    return this.#calls.size;
  }

  /** The reason why the thread stopped, unless it was closed. */
  get failure(): Error | undefined {
    return this.#failure;
  }

  /** Calls a method. Requests are handled in the order of the calls. */
  call<K extends keyof M & string>(
    method: K,
    request: RequestOf<M[K]>,
    { transfer = [], onEvent }: CallOptions<EventOf<M[K]>> = {},
  ): Promise<AnswerOf<M[K]>> {
    if (this.#failure) return Promise.reject(this.#failure);
    if (this.#isClosing) return Promise.reject(new Error(`The thread "${this.#name}" is closed.`));
    const { promise, resolve, reject } = Promise.withResolvers<AnswerOf<M[K]>>();
    const id = ++this.#lastId;
    try {
      this.#post({ kind: 'request', id, method, request }, transfer);
    } catch (error) {
      return Promise.reject(error as Error); // the request cannot be cloned
    }
    this.#calls.set(id, {
      resolve: resolve as (answer: unknown) => void,
      reject,
      onEvent: onEvent as Call['onEvent'],
    });
    this.#worker.ref();
    if (this.#runsNativeCode) busyThreads.add(this);
    return promise;
  }

  /** Returns the CPU time of the thread, in microseconds. @throws if it has stopped */
  cpuUsage(): Promise<NodeJS.CpuUsage> {
    return this.#worker.cpuUsage();
  }

  /** Ends the thread when all requests are answered and its `onClose` has run. @throws the reason if that fails */
  async close(): Promise<void> {
    const before = this.#failure;
    if (!before && !this.#isClosing) {
      this.#isClosing = true;
      this.#worker.ref();
      this.#post({ kind: 'close' });
    }
    await this.#exited;
    if (this.#failure !== before) throw this.#failure;
  }

  /** Terminates the thread: now, or when its native code returns. @param reason with which unanswered requests are rejected, now */
  terminate(reason: Error = new Error(`The thread "${this.#name}" was terminated.`)): Promise<void> {
    this.#terminated ??= this.#terminate(reason);
    return this.#terminated;
  }

  async #terminate(reason: Error): Promise<void> {
    const isBusy = busyThreads.has(this);
    this.#fail(reason);
    if (isBusy) {
      this.#post({ kind: 'close' });
      const timer = new AbortController();
      await Promise.race([this.#exited, delay(LEAVE_MS, undefined, timer).catch(() => {})]);
      timer.abort();
    }
    await this.#worker.terminate();
  }

  #post(message: ToThread, transfer: readonly ArrayBuffer[] = []): void {
    this.#worker.postMessage(message, transfer);
  }

  #receive(message: FromThread): void {
    const call = this.#calls.get(message.id);
    if (!call) return;
    if (message.kind === 'event') {
      void this.#handle(call, message);
      return;
    }
    this.#calls.delete(message.id);
    if (this.#calls.size === 0) {
      busyThreads.delete(this);
      this.#rest();
    }
    if (message.kind === 'answer' && !call.eventFailure) call.resolve(message.value);
    else call.reject(call.eventFailure ?? decodeFailure((message as Extract<FromThread, { kind: 'failure' }>).failure));
  }

  async #handle(call: Call, { event, value }: Extract<FromThread, { kind: 'event' }>): Promise<void> {
    try {
      await call.onEvent?.(value);
    } catch (error) {
      call.eventFailure ??= toError(error);
    }
    this.#post({ kind: 'handled', event, failed: call.eventFailure !== undefined });
  }

  #rest(): void {
    if (!this.#isClosing) this.#worker.unref();
  }

  #fail(reason: Error): void {
    if (this.#failure) return;
    this.#failure = reason;
    this.#rest();
    for (const call of this.#calls.values()) call.reject(call.eventFailure ?? reason);
    this.#calls.clear();
    this.#onFailure?.(reason);
  }
}

function toError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(String(reason));
}
