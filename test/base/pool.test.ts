import { expect, test } from 'vitest';
import { Pool } from '../../workers/src/base/pool.ts';

test('what is taken is nobody else’s until it is given back', async () => {
  const pool = new Pool([{ name: 'a' }, { name: 'b' }]);
  const [first, second] = [await pool.take(), await pool.take()];
  expect([first.name, second.name].sort()).toEqual(['a', 'b']);
  let third: string | undefined;
  const waiting = pool.take().then(({ name }) => {
    third = name;
  });
  await new Promise((resolve) => setImmediate(resolve));
  expect(third).toBeUndefined();
  first.release();
  await waiting;
  expect(third).toBe(first.name);
});
