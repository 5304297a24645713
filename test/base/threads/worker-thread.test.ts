import { execFileSync } from 'node:child_process';
import { Worker } from 'node:worker_threads';
import { afterEach, describe, expect, it } from 'vitest';
import { DataError, TransientError, toUserError, UserError } from '../../../workers/src/base/errors.ts';
import { busyThreads } from '../../../workers/src/base/threads/busy-threads.ts';
import { errorOfDeath } from '../../../workers/src/base/threads/thread-error.ts';
import { type ThreadOptions, WorkerThread } from '../../../workers/src/base/threads/worker-thread.ts';
import type { TestMethods } from './support/test-thread.ts';

const MODULE = new URL('./support/test-thread.ts', import.meta.url);

const started: WorkerThread<TestMethods>[] = [];
afterEach(async () => {
  for (const thread of started.splice(0)) await thread.terminate();
  expect(busyThreads.size).toBe(0);
});

function start(options: Partial<ThreadOptions> = {}): WorkerThread<TestMethods> {
  const thread = new WorkerThread<TestMethods>(MODULE, { name: 'test', ...options });
  started.push(thread);
  return thread;
}

const counter = () => new Int32Array(new SharedArrayBuffer(4));

describe('a request', () => {
  it('is answered, one at a time, in the order of the calls', async () => {
    const thread = start();
    const turns = [5, 0, 3, 1];
    expect(await Promise.all(turns.map((each) => thread.call('wait', each)))).toEqual([1, 2, 3, 4]);
    expect(await thread.call('add', { a: 2, b: 3 })).toBe(5);
    expect(thread.pending).toBe(0);
  });

  it('moves its buffers, and shares shared memory', async () => {
    const thread = start();
    const values = Float64Array.of(1, 2, 3);
    const doubled = await thread.call('double', values, { transfer: [values.buffer] });
    expect([...doubled]).toEqual([2, 4, 6]);
    expect(values.length).toBe(0);
    const shared = counter();
    expect(await thread.call('increment', shared)).toBe(1);
    expect(shared[0]).toBe(1);
  });

  it('that cannot be cloned is rejected, and the thread continues', async () => {
    const thread = start();
    await expect(thread.call('add', { a: 1, b: (() => 2) as unknown as number })).rejects.toThrow(
      /could not be cloned/,
    );
    expect(await thread.call('add', { a: 1, b: 1 })).toBe(2);
  });

  it('marks a thread that runs native code as busy until it is answered, and no other', async () => {
    const plain = start();
    const thread = start({ runsNativeCode: true });
    const other = plain.call('add', { a: 1, b: 2 });
    expect(busyThreads.has(plain)).toBe(false);
    await other;
    expect(busyThreads.has(thread)).toBe(false);
    const answer = thread.call('add', { a: 1, b: 2 });
    expect(busyThreads.has(thread)).toBe(true);
    await answer;
    expect(busyThreads.has(thread)).toBe(false);
  });
});

describe('a failure', () => {
  it('keeps the class and exit code of an error for the user', async () => {
    const thread = start();
    const data = await thread.call('fail', 'data').catch((error: unknown) => error);
    expect(data).toBeInstanceOf(DataError);
    expect(data).toMatchObject({ message: 'row 7 is damaged', exitCode: 65 });
    await expect(thread.call('fail', 'user')).rejects.toThrow(
      expect.objectContaining({ constructor: UserError, exitCode: 99 }),
    );
  });

  it('keeps the code and path of a system error', async () => {
    const error = await start()
      .call('fail', 'system')
      .catch((each: unknown) => each);
    expect(error).toMatchObject({ code: 'ENOENT', path: '/no/such/file', syscall: 'open' });
    expect(toUserError(error)).toMatchObject({ exitCode: 65, message: expect.stringContaining('/no/such/file') });
  });

  it('of any other kind is reported with its stack', async () => {
    const thread = start();
    await expect(thread.call('fail', 'range')).rejects.toThrow(RangeError);
    await expect(thread.call('fail', 'text')).rejects.toThrow('a text');
    await expect(thread.call('fail', 'answer')).rejects.toThrow(/could not be cloned/);
    const error = (await thread.call('fail', 'function').catch((each: unknown) => each)) as Error;
    expect(error.message).toBe('it holds a function');
    expect(error.stack).toContain('test-thread.ts');
    expect(await thread.call('add', { a: 1, b: 1 })).toBe(2);
  });
});

describe('the end of a thread', () => {
  for (const [how, reason] of [
    ['exit', 'The thread "test" exited with code 3 before its work was done.'],
    ['throw', 'uncaught'],
    ['fail', 'the library crashed'],
  ] as const)
    it(`rejects every waiting and later request with its reason: ${how}`, async () => {
      const reasons: Error[] = [];
      const thread = start({ onFailure: (error) => reasons.push(error) });
      const waiting = [thread.call('end', how), thread.call('add', { a: 1, b: 2 })];
      for (const each of await Promise.allSettled(waiting))
        expect(each).toMatchObject({ status: 'rejected', reason: { message: reason } });
      await expect(thread.call('add', { a: 1, b: 2 })).rejects.toThrow(reason);
      expect(thread.failure).toBe(reasons[0]);
      expect(reasons).toHaveLength(1);
      if (how === 'fail') expect(thread.failure).toBeInstanceOf(DataError);
      await thread.close();
    });

  it('for lack of memory is a transient fault', async () => {
    const code = 'const all = []; for (;;) all.push(new Array(10_000).fill(all.length));';
    const worker = new Worker(code, { eval: true, resourceLimits: { maxOldGenerationSizeMb: 16 } });
    const error = await new Promise((resolve) => worker.on('error', resolve));
    expect(errorOfDeath(error, 'test')).toBeInstanceOf(TransientError);
    expect(errorOfDeath(error, 'test').message).toMatch(/^The thread "test" ran out of memory\. Use fewer threads/);
  });

  it('follows an abort, also out of an endless loop', async () => {
    const abort = new AbortController();
    const thread = start({ signal: abort.signal });
    const shared = counter();
    const answer = thread.call('spin', shared);
    while (shared[0] === 0) await new Promise(setImmediate);
    abort.abort(new Error('stop'));
    await expect(answer).rejects.toThrow('stop');
    await expect(start({ signal: abort.signal }).call('add', { a: 1, b: 2 })).rejects.toThrow('stop');
  });

  it('comes after the native code that runs, whose request is rejected before', async () => {
    const closed = counter();
    const thread = start({ runsNativeCode: true, workerData: { closed } });
    const answer = thread.call('wait', 500);
    const ended = Promise.all([thread.terminate(new Error('no longer wanted')), thread.terminate()]);
    await expect(answer).rejects.toThrow('no longer wanted');
    expect(busyThreads.has(thread)).toBe(true);
    await ended;
    expect(closed[0]).toBe(1);
    expect(busyThreads.has(thread)).toBe(false);
  });

  it('comes after all answers if it is closed', async () => {
    const closed = counter();
    const thread = start({ workerData: { closed } });
    const answers = [thread.call('wait', 10), thread.call('wait', 5)];
    await Promise.all([thread.close(), thread.close()]);
    expect(closed[0]).toBe(1);
    expect(await Promise.all(answers)).toEqual([1, 2]);
    expect(thread.failure).toBeUndefined();
    await expect(thread.call('add', { a: 1, b: 2 })).rejects.toThrow('closed');
  });

  it('does not delay the exit of a process without other work', () => {
    const owner = new URL('../../../workers/src/base/threads/worker-thread.ts', import.meta.url);
    const code = `import { WorkerThread } from '${owner}';
      const thread = new WorkerThread(new URL('${MODULE}'), { name: 'idle' });
      console.log(await thread.call('add', { a: 1, b: 2 }));`;
    expect(execFileSync(process.execPath, ['-e', code], { encoding: 'utf8' })).toBe('3\n');
  });
});

describe('an event', () => {
  it('is handled before the method continues', async () => {
    let open = 0;
    const events: number[] = [];
    const answer = await start().call('count', 5, {
      async onEvent(event) {
        expect(++open).toBe(1);
        await new Promise(setImmediate);
        events.push(event);
        open--;
      },
    });
    expect(events).toEqual([1, 2, 3, 4, 5]);
    expect(answer).toBe(5);
  });

  it('whose handler fails, fails only its request', async () => {
    const thread = start();
    const onEvent = (event: number) => {
      if (event === 2) throw new DataError('the disk is full');
    };
    const failed = thread.call('count', 5, { onEvent });
    const other = thread.call('count', 2);
    await expect(failed).rejects.toThrow(expect.objectContaining({ exitCode: 65, message: 'the disk is full' }));
    expect(await other).toBe(2);
  });
});
