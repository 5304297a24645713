import { afterEach, expect, test } from 'vitest';
import { memoryLimit } from '../../workers/src/base/memory-limit.ts';
import { cacheLimits } from '../../workers/src/lance/cache-limits.ts';

afterEach(() => {
  delete process.env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE;
});

test("caches take a share of the memory, and at most LanceDB's own sizes", () => {
  expect(cacheLimits(3008 * 2 ** 20).index).toBe(752 * 2 ** 20);
  expect(cacheLimits(2 ** 40)).toEqual({ index: 6 * 2 ** 30, metadata: 2 ** 30 });
});

test('the memory of a function on AWS Lambda is that of its setting', () => {
  const machine = memoryLimit();
  expect(machine).toBeGreaterThan(2 ** 28);
  process.env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE = '128';
  expect(memoryLimit()).toBe(2 ** 27);
});
