import { afterEach, describe, expect, it } from 'vitest';
import { busyThreads } from '../../../workers/src/base/threads/busy-threads.ts';
import { ThreadPool, withThreadPool } from '../../../workers/src/base/threads/thread-pool.ts';
import type { TestMethods } from './support/test-thread.ts';

const MODULE = new URL('./support/test-thread.ts', import.meta.url);

const pools: ThreadPool<TestMethods>[] = [];
afterEach(async () => {
  for (const pool of pools.splice(0)) await pool.terminate();
  expect(busyThreads.size).toBe(0);
});

function start(count: number, requestsPerThread?: number): ThreadPool<TestMethods> {
  const pool = new ThreadPool<TestMethods>(MODULE, {
    name: 'test',
    count,
    ...(requestsPerThread && { requestsPerThread }),
  });
  pools.push(pool);
  return pool;
}

const counter = () => new Int32Array(new SharedArrayBuffer(4));

describe('a pool', () => {
  for (const [count, perThread] of [
    [1, 1],
    [3, 1],
    [2, 2],
  ] as const)
    it(`answers each task once, in order, with ${count} threads of ${perThread} requests`, async () => {
      const pool = start(count, perThread);
      const requests = Array.from({ length: 100 }, (_, a) => ({ a, b: 1 }));
      expect(await pool.runAll('add', requests)).toEqual(requests.map(({ a }) => a + 1));
      const most = new Set<number>();
      const watch = () => {
        for (const { pending } of pool.threads) most.add(pending);
      };
      const shared = counter();
      await Promise.all(requests.map(() => pool.run('increment', shared).then(watch)));
      expect(shared[0]).toBe(requests.length);
      expect(Math.max(...most)).toBeLessThanOrEqual(perThread);
    });

  it('starts tasks by their order number, and equal ones in the order of the calls', async () => {
    const pool = start(1);
    const ended: string[] = [];
    const task = (name: string, order: number) => pool.run('wait', 0, { order }).then(() => ended.push(name));
    await Promise.all([task('running', 9), task('c', 2), task('a', 1), task('d', 2), task('b', 1)]);
    expect(ended).toEqual(['running', 'a', 'b', 'c', 'd']);
  });

  it('calls a method in each of its threads', async () => {
    const pool = start(3);
    expect(await pool.runInEach('add', (thread) => ({ a: thread, b: 10 }))).toEqual([10, 11, 12]);
  });

  it('starts no more tasks of a list after a failure, and continues with others', async () => {
    const pool = start(2);
    const kinds = new Array<'data'>(7).fill('data');
    let started = 0;
    await expect(pool.runAll('fail', kinds, () => ({ order: ++started }))).rejects.toThrow('row 7 is damaged');
    expect(started).toBe(2); // one in each thread
    expect(await pool.run('add', { a: 1, b: 2 })).toBe(3);
  });
});

describe('the failure of one thread', () => {
  it('stops the others, even in an endless loop, and rejects all tasks with its reason', async () => {
    const pool = start(3);
    const shared = counter();
    const spinning = pool.run('spin', shared);
    while (shared[0] === 0) await new Promise(setImmediate);
    const tasks = [spinning, pool.run('spin', counter()), pool.run('end', 'throw'), pool.run('add', { a: 1, b: 2 })];
    for (const each of await Promise.allSettled(tasks))
      expect(each).toMatchObject({ status: 'rejected', reason: { message: 'uncaught' } });
    await expect(pool.run('add', { a: 1, b: 2 })).rejects.toThrow('uncaught');
    await expect(pool.close()).rejects.toThrow('uncaught');
    expect(pool.threads.map(({ failure }) => failure?.message)).toEqual(['uncaught', 'uncaught', 'uncaught']);
  });
});

describe('withThreadPool', () => {
  it('closes its threads after success, and releases their resources', async () => {
    const closed = counter();
    const options = { name: 'test', count: 2, workerData: () => ({ closed }) };
    const sum = await withThreadPool<TestMethods, number>(MODULE, options, (pool) => pool.run('add', { a: 1, b: 2 }));
    expect(sum).toBe(3);
    expect(closed[0]).toBe(2);
  });

  it('terminates its threads after a failure', async () => {
    const shared = counter();
    let other: Promise<unknown> | undefined;
    const failed = withThreadPool<TestMethods, void>(MODULE, { name: 'test', count: 2 }, async (pool) => {
      other = pool.run('spin', shared);
      other.catch(() => {});
      await pool.run('fail', 'data');
    });
    await expect(failed).rejects.toThrow('row 7 is damaged');
    await expect(other).rejects.toThrow('row 7 is damaged');
  });
});
