import { expect, test } from 'vitest';
import { askDollars } from '../../../workers/src/cloud/lambda/ask-price.ts';

const CALL = { milliseconds: 1000, memoryMb: 1024, diskMb: 512, requests: 0, bytes: 0 };

test('a question costs memory and disk by the second, calls, requests, objects and states', () => {
  // The prices of https://aws.amazon.com/lambda/pricing/ and others, January 2026, by hand.
  expect(askDollars([CALL], 1, false)).toEqual({
    lambda: expect.closeTo(0.0000166667 + 0.0000002, 12),
    s3: expect.closeTo(6 * 0.000005, 12),
    stepFunctions: expect.closeTo(7 * 0.000025, 12),
    total: expect.closeTo(0.0000168667 + 0.00003 + 0.000175, 12),
  });
  const gigabyte = askDollars([{ ...CALL, diskMb: 512 + 1024 }], 1, false).lambda - askDollars([CALL], 1, false).lambda;
  expect(gigabyte).toBeCloseTo(0.0000000309, 14);
  expect(askDollars([{ ...CALL, requests: 1000 }], 1, false).s3).toBeCloseTo(0.0004 + 0.00003, 12);
  expect(askDollars([CALL], 50, true).stepFunctions).toBeCloseTo((6 + 150) * 0.000025, 12);
});
