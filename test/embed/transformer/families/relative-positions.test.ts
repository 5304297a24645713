import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { relativeBuckets } from '../../../../workers/src/embed/transformer/families/relative-positions.ts';
import { ROOT } from '../../../support/run.ts';

interface Expected {
  count: number;
  maxDistance: number;
  tokens: number;
  /** Offsets at which the bucket changes, and the bucket from there. */
  runs: [offset: number, bucket: number][];
}

test('buckets of offsets are those of the reference implementation, up to 3,000 tokens', async () => {
  const text = await readFile(join(ROOT, 'test/models/checkpoints/relative-buckets.json'), 'utf8');
  const cases = JSON.parse(text) as Expected[];
  expect(cases).toHaveLength(3);
  for (const { count, maxDistance, tokens, runs } of cases) {
    const buckets = relativeBuckets({ count, maxDistance }, tokens);
    expect(buckets).toHaveLength(2 * tokens + 1);
    const changes = buckets.flatMap((bucket, i) => (bucket === buckets[i - 1] ? [] : [[i - tokens, bucket]]));
    expect(changes).toEqual(runs);
  }
});
