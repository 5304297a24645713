import { describe, expect, it } from 'vitest';
import { derivedRates } from '../../../bench/plan/derive-rates.ts';
import {
  cpuSecondsAt,
  MEASURED,
  searchRatesFor,
  shareForRecall,
} from '../../../workers/src/forecast/rates/run-rates.ts';

describe('the checked-in rates', () => {
  it('follow from bench/results/', async () => {
    expect(MEASURED, 'npm run bench -- plan --rates writes them').toEqual(await derivedRates());
  });

  it('have no negative cost', () => {
    for (const [command, rate] of Object.entries(MEASURED.commands)) {
      expect(rate.busyCores, command).toBeGreaterThan(0);
      for (const cost of [rate.fixed, ...Object.values(rate.per)]) expect(cost, command).toBeGreaterThanOrEqual(0);
      expect(cpuSecondsAt(rate, { rows: 10, residues: 3000 })).toBeGreaterThanOrEqual(cpuSecondsAt(rate, { rows: 1 }));
    }
  });
});

describe('rates of searching', () => {
  it('grow with the cores, and fall with the dimension', () => {
    const [one, many] = [searchRatesFor(MEASURED, 2, 960), searchRatesFor(MEASURED, 32, 480)];
    expect(many.flopsPerSecond / one.flopsPerSecond).toBeCloseTo(16);
    expect(many.distanceSeconds / one.distanceSeconds).toBeCloseTo(1 / 32);
  });

  it('need a larger share of the partitions for a larger recall', () => {
    const shares = [0.9, 0.95, 0.97, 0.98, 0.99].map((recall) => shareForRecall(MEASURED, 10, recall));
    expect(shares).toEqual([...shares].sort((a, b) => a - b));
    expect(shares[0]).toBeGreaterThan(0);
  });
});
