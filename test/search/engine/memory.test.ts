import { describe, expect, it } from 'vitest';
import { UsageError } from '../../../workers/src/base/errors.ts';
import { queriesInMemory } from '../../../workers/src/search/engine/memory.ts';
import { nearestBytesPerQuery } from '../../../workers/src/search/engine/nearest-heaps.ts';

describe('queriesInMemory', () => {
  it('fits the budget, and names the minimum if the budget is too small', () => {
    const queries = queriesInMemory(2e9, 960, 10, 2);
    expect(queries * (2 * 960 * 4 + 2 * nearestBytesPerQuery(10))).toBeLessThan(2e9);
    expect(queriesInMemory(4e9, 960, 10, 2)).toBeGreaterThan(queries);
    expect(queriesInMemory(2e9, 960, 10, 8)).toBeLessThan(queries);
    // What threads share is addressed by 32 bits, however much memory there is.
    expect(queriesInMemory(1e12, 960, 10, 2) * 960 * 5).toBeLessThan(2 ** 32);
    expect(() => queriesInMemory(1e6, 960, 10, 2)).toThrow(UsageError);
    expect(() => queriesInMemory(1e6, 960, 10, 2)).toThrow(/--memory 1\.0 MB is too small .*the least is \d+/);
  });
});
