import { afterEach, expect, test } from 'vitest';
import { MOST_MESSAGE } from '../../../workers/src/cloud/lambda/ask-event.ts';
import { WrongQuestionError } from '../../../workers/src/cloud/lambda/question-errors.ts';
import {
  LAMBDA_LIMITS,
  requireStackFits,
  type StackLimits,
  searchConcurrency,
  stackLimits,
} from '../../../workers/src/cloud/lambda/question-limits.ts';
import { bucketOf } from '../../support/large-bucket.ts';

const LIMITS: StackLimits = { memoryMb: 3008, diskMb: 8192, seconds: 120, mergeDiskMb: 4096 };
const BUCKETS = Array.from({ length: 18 }, (_, i) => bucketOf(200e6, `bucket_${`${i + 1}`.padStart(5, '0')}`));

function refusal(settings: object, queryCount: number, limits: Partial<StackLimits> = {}, buckets = BUCKETS): string {
  try {
    requireStackFits(buckets, { k: 10, excludeSelf: false, ...settings }, queryCount, 40, { ...LIMITS, ...limits });
    return '';
  } catch (error) {
    expect(error).toBeInstanceOf(WrongQuestionError);
    const { message } = error as Error;
    expect(message.length).toBeLessThanOrEqual(MOST_MESSAGE);
    return message;
  }
}

afterEach(() => {
  for (const name of ['CONCURRENCY', 'RESERVED', 'SEARCH_DISK_MB']) delete process.env[`LANCEFLOW_${name}`];
});

test('a question that a function cannot hold is refused with numbers, and with the number of queries that it can', () => {
  const long = { seconds: 840 };
  const message = refusal({ k: 50_000 }, 40, long);
  expect(message).toMatch(
    /^bucket_00001: with k = 50000, 40 queries would take about \d{5} MB of disk, \d{4} MB of memory and \d{5} s; SearchDiskMb is 8192/,
  );
  const most = Number(/Ask at most (\d+) at once, or run a campaign/.exec(message)![1]);
  expect(most).toBeGreaterThan(0);
  expect(refusal({ k: 50_000 }, 1)).toMatch(/^bucket_00001: with k = 50000, 1 query would take about/);
  expect(refusal({ k: 50_000 }, most, long)).toBe('');
  expect(refusal({ k: 50_000 }, most + 1, long)).not.toBe('');
});

test('each limit counts: disk, memory, time', () => {
  const one = { k: 50_000, nprobes: 20 };
  expect(refusal(one, 1)).toBe('');
  for (const less of [{ diskMb: 300 }, { memoryMb: 600 }, { seconds: 10 }])
    expect(refusal(one, 1, less), JSON.stringify(less)).toMatch(
      /Ask for a smaller k, nprobes or refine factor, or deploy the stack with larger ones/,
    );
  expect(refusal({ k: 10 }, 100, { diskMb: 512 }, [bucketOf(200_000)])).toBe('');
});

test('a question that takes long for lack of processors fits a function with more memory', () => {
  expect(refusal({ k: 50_000 }, 40, { memoryMb: 1500, seconds: 840 }, [bucketOf(5e6)])).toMatch(
    /SearchMemoryMb 1500.*Ask at most \d+ at once, or deploy the stack with larger ones\.$/,
  );
  expect(refusal({ k: 50_000 }, 40, { memoryMb: 10_240, seconds: 840 }, [bucketOf(5e6)])).toBe('');
});

test('one bucket that takes long does not count for all others', () => {
  const others = Array.from({ length: 399 }, () => bucketOf(100_000));
  const long = { seconds: 840 };
  expect(refusal({ k: 50_000 }, 1, long, [bucketOf(200e6), ...others])).toBe('');
  expect(
    refusal(
      { k: 50_000 },
      1,
      long,
      Array.from({ length: 399 }, () => bucketOf(200e6)),
    ),
  ).toMatch(/Searching 399 buckets, 40 at once, would take about \d+ s/);
});

test('what a search needs grows with k, probes, refine factor and queries, up to the bucket itself', () => {
  const all = { nprobes: 14_142, refineFactor: 10 };
  expect(
    refusal({ ...all, k: 50_000 }, 10_000, { diskMb: 1e6, memoryMb: 1e6, seconds: 1e9, mergeDiskMb: 1e9 }),
  ).toMatch(/would take about \d+ s, but an execution has/);
  const small = bucketOf(100_000);
  // All of it has 400 MB.
  expect(refusal({ ...all, k: 2000 }, 4, { diskMb: 700, seconds: 60 }, [small])).toBe('');
});

test('a merge that does not fit its disk is refused', () => {
  const buckets = Array.from({ length: 400 }, () => bucketOf(1e6));
  expect(refusal({ k: 500, nprobes: 1 }, 1000, { seconds: 840, diskMb: 10_240, memoryMb: 10_240 }, buckets)).toMatch(
    /200000000 neighbours, whose merge needs about 7706 MB of disk; AggregateDiskMb is 4096/,
  );
  // The answers of six buckets have 458 MB; the two files that are made of them do not fit beside these.
  const six = Array.from({ length: 6 }, () => bucketOf(1e6));
  expect(refusal({ k: 500, nprobes: 1 }, 4000, { seconds: 840, diskMb: 10_240, mergeDiskMb: 512 }, six)).toMatch(
    /12000000 neighbours, whose merge needs about 763 MB of disk; AggregateDiskMb is 512/,
  );
});

test('limits are those of the variables, and of Lambda without them', () => {
  expect(stackLimits()).toEqual({ ...LAMBDA_LIMITS, mergeDiskMb: LAMBDA_LIMITS.diskMb });
  process.env.LANCEFLOW_SEARCH_DISK_MB = '512';
  expect(stackLimits().diskMb).toBe(512);
});

test('as many buckets are searched at once as the stack reserves at most', () => {
  process.env.LANCEFLOW_CONCURRENCY = '40';
  expect([searchConcurrency(undefined), searchConcurrency(5), searchConcurrency(100)]).toEqual([40, 5, 40]);
  process.env.LANCEFLOW_RESERVED = '10';
  expect([searchConcurrency(undefined), searchConcurrency(5)]).toEqual([10, 5]);
  process.env.LANCEFLOW_RESERVED = '0';
  expect(searchConcurrency(undefined)).toBe(40);
});
