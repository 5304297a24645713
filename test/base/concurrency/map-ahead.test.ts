import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { mapAhead } from '../../../workers/src/base/concurrency/map-ahead.ts';

test('yields the results in the order of the items, with few ahead', async () => {
  let started = 0;
  let taken = 0;
  let most = 0;
  const results = mapAhead(Array(50).keys(), 4, async (item) => {
    most = Math.max(most, ++started - taken);
    await sleep(item % 3);
    return item * 2;
  });
  const found: number[] = [];
  for await (const result of results) {
    found.push(result);
    taken++;
  }
  expect(found).toEqual(Array.from({ length: 50 }, (_, i) => i * 2));
  expect(most).toBeGreaterThan(1);
  expect(most).toBeLessThanOrEqual(6);
});

test('throws a failure where its result would be, and starts nothing after it', async () => {
  const started: number[] = [];
  const results = mapAhead(Array(50).keys(), 4, async (item) => {
    started.push(item);
    if (item >= 3) throw new Error(`item ${item}`);
    return item;
  });
  const found: number[] = [];
  const use = async () => {
    for await (const result of results) found.push(result);
  };
  await expect(use()).rejects.toThrow('item 3');
  expect(found).toEqual([0, 1, 2]);
  expect(started.length).toBeLessThan(10);
});
