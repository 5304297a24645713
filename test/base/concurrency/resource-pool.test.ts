import { expect, test } from 'vitest';
import { ResourcePool } from '../../../workers/src/base/concurrency/resource-pool.ts';

test('an acquired resource belongs to one holder until it is released', async () => {
  const names = ['a', 'b'];
  const pool = new ResourcePool(2, () => names.shift()!);
  const [first, second] = [await pool.acquire(), await pool.acquire()];
  expect([first, second].sort()).toEqual(['a', 'b']);
  let third: string | undefined;
  const waiting = pool.acquire().then((name) => {
    third = name;
  });
  await new Promise((resolve) => setImmediate(resolve));
  expect(third).toBeUndefined();
  pool.release(first);
  await waiting;
  expect(third).toBe(first);
});

test('no more resources are created than are needed at once', async () => {
  let made = 0;
  const pool = new ResourcePool(10, () => ++made);
  for (let i = 0; i < 5; i++) pool.release(await pool.acquire());
  expect(made).toBe(1);
});
