import { expect, it } from 'vitest';
import { scanRanks } from '../../workers/src/report/rank-quantiles.ts';

it('scanRanks has the quantiles of every rank to 10, and of round ranks above', () => {
  const scan = scanRanks();
  for (let rank = 1; rank <= 1200; rank++) for (let query = 0; query <= 100; query++) scan.add(rank, rank + query);
  const found = scan.quantiles();
  expect(found.map(({ rank }) => rank)).toEqual([
    ...[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 15, 20, 25, 30, 40, 50, 60, 80],
    ...[100, 120, 150, 200, 250, 300, 400, 500, 600, 800, 1000, 1200],
  ]);
  for (const { rank, low, median, high } of found) {
    // A histogram knows a quantile to a 500th of its range.
    expect(Math.abs(low - (rank + 10))).toBeLessThan(1);
    expect(Math.abs(median - (rank + 50))).toBeLessThan(1);
    expect(Math.abs(high - (rank + 90))).toBeLessThan(1);
  }
});
