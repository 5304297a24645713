import { expect, it } from 'vitest';
import { FragmentNumbers } from '../../workers/src/ingest/fragment-numbers.ts';

it('numbers files in the order of their units, which are finished in any order', async () => {
  const counts = [1, 3, 0, 2, 1];
  for (const order of [
    [0, 1, 2, 3, 4],
    [4, 3, 2, 1, 0],
    [2, 0, 4, 1, 3],
  ]) {
    const numbers = new FragmentNumbers(counts.length);
    const taken = await Promise.all(
      order.map(async (unit) => [unit, await numbers.take(unit, counts[unit]!)] as const),
    );
    expect(new Map(taken.sort(([a], [b]) => a - b))).toEqual(new Map([0, 1, 4, 4, 6].entries()));
  }
});

it('waits for a unit whose files are not known', async () => {
  const numbers = new FragmentNumbers(2);
  let second: number | undefined;
  const taking = numbers.take(1, 1).then((first) => (second = first));
  await new Promise(setImmediate);
  expect(second).toBeUndefined();
  await numbers.take(0, 5);
  expect(await taking).toBe(5);
});
