import { expect, it } from 'vitest';
import {
  type UnitMeasurements,
  type UnitsAt,
  unitCpuSeconds,
  unitTerms,
} from '../../../workers/src/forecast/model/unit-terms.ts';

const at = (ingest: number, search: number): UnitsAt => ({
  ...{ fragments: 1, partitions: 1, files: 1, catalogEntryBytes: 1 },
  stages: Object.fromEntries(
    Object.entries({ ingest, search }).map(([stage, cpuSeconds]) => [
      stage,
      { cpuSeconds, seconds: cpuSeconds / 2, peakMemoryBytes: 1 },
    ]),
  ),
});
const MEASURED: UnitMeasurements = {
  ...{ rows: 1000, dimension: 8, queries: 10 },
  ...{ few: at(10, 5), manyFragments: at(16, 4), manyPartitions: at(24, 7) },
};

it('the cost of units is the difference between many and few, never below 0', () => {
  expect(unitTerms(MEASURED)).toEqual([
    { stage: 'ingest', fragments: { cpuSeconds: 6, seconds: 3 }, partitions: { cpuSeconds: 8, seconds: 4 } },
    { stage: 'search', fragments: { cpuSeconds: 0, seconds: 0 }, partitions: { cpuSeconds: 3, seconds: 1.5 } },
  ]);
});

it('the cost of units grows with the root of the rows; training and assigning of ingest count elsewhere', () => {
  const terms = unitTerms(MEASURED);
  expect(unitCpuSeconds(terms, 'ingest', 100, 100)).toBe(6);
  expect(unitCpuSeconds(terms, 'ingest', 400, 100)).toBe(12);
  expect(unitCpuSeconds(terms, 'search', 100, 400)).toBe(1.5);
  expect(unitCpuSeconds(terms, 'absent', 100, 100)).toBe(0);
});
