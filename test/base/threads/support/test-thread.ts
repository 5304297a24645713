import { open } from 'node:fs/promises';
import { isMainThread, workerData } from 'node:worker_threads';
import { DataError, UserError } from '../../../../workers/src/base/errors.ts';
import { failThread, serveRequests } from '../../../../workers/src/base/threads/serve-requests.ts';
import { type ThreadContext, WithTransfer } from '../../../../workers/src/base/threads/thread-messages.ts';

interface Started {
  /** Incremented when the thread is closed. */
  closed?: Int32Array<SharedArrayBuffer>;
}

let handled = 0;

const methods = {
  add: ({ a, b }: { a: number; b: number }) => a + b,
  /** Waits for `turns` turns of the event loop. */
  async wait(turns: number) {
    const before = handled;
    for (let i = 0; i < turns; i++) await new Promise(setImmediate);
    if (handled !== before) throw new Error('requests overlap');
    return ++handled;
  },
  double(values: Float64Array<ArrayBuffer>) {
    return new WithTransfer(
      values.map((value) => 2 * value),
      [values.buffer],
    );
  },
  increment(counter: Int32Array<SharedArrayBuffer>) {
    return Atomics.add(counter, 0, 1) + 1;
  },
  async fail(kind: 'data' | 'user' | 'system' | 'range' | 'function' | 'text' | 'answer') {
    if (kind === 'data') throw new DataError('row 7 is damaged');
    if (kind === 'user') throw new UserError(99, 'ninety-nine');
    if (kind === 'system') await open('/no/such/file');
    if (kind === 'range') throw new RangeError('out of range');
    if (kind === 'function') throw new Error('it holds a function', { cause: { call() {} } });
    if (kind === 'answer') return () => 'a function cannot be cloned';
    throw 'a text';
  },
  async end(how: 'exit' | 'throw' | 'fail') {
    if (how === 'exit') process.exit(3);
    if (how === 'fail') return failThread(new DataError('the library crashed'));
    setImmediate(() => {
      throw new TypeError('uncaught');
    });
    return new Promise<never>(() => {});
  },
  spin(counter: Int32Array<SharedArrayBuffer>): number {
    for (Atomics.store(counter, 0, 1); ; );
  },
  async count(to: number, { emit }: ThreadContext<number>) {
    for (let i = 1; i <= to; i++) await emit(i);
    return to;
  },
};

export type TestMethods = typeof methods;

if (!isMainThread) {
  const { closed } = (workerData ?? {}) as Started;
  serveRequests(methods, {
    onClose() {
      if (closed) Atomics.add(closed, 0, 1);
    },
  });
}
