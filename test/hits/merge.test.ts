import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type HitColumns, hitRows, type NeighbourColumns } from '../../workers/src/hits/columns.ts';
import { mergeHits, OrderError } from '../../workers/src/hits/merge.ts';
import { mergeStreams } from '../../workers/src/merge/streams.ts';
import { bytewise, type Hit, hitColumns, hits, naiveMerge, neighboursOf, sortedHits } from '../support/hits.ts';

/** A file as batches of at most `size` rows. */
async function* batches(file: readonly Hit[], size: number): AsyncGenerator<HitColumns> {
  for (let start = 0; start < file.length; start += size) yield hitColumns(file.slice(start, start + size));
}

async function merged(files: readonly Hit[][], k: number, size: number) {
  const rows = [];
  for await (const batch of mergeStreams(
    files.map((file) => batches(sortedHits(file), size)),
    k,
  ))
    rows.push(...neighboursOf(batch));
  return rows;
}

/** The same hits in several files, as if the buckets had been searched in blocks. */
function split(file: readonly Hit[], parts: number): Hit[][] {
  return Array.from({ length: parts }, (_, part) => file.filter((_, row) => row % parts === part));
}

describe('mergeHits', () => {
  it('equals a naive merge, whatever the files, ties and batch sizes', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(hits, { maxLength: 6 }),
        fc.integer({ min: 1, max: 8 }),
        fc.integer({ min: 1, max: 5 }),
        async (files, k, size) => {
          expect(await merged(files, k, size)).toEqual(naiveMerge(files.flat(), k));
        },
      ),
      { numRuns: 300 },
    );
  });

  it('does not depend on the order of the files, nor on the division of hits among them', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(hits, { maxLength: 4 }), fc.integer({ min: 1, max: 4 }), async (files, parts) => {
        const whole = await merged(files, 5, 3);
        expect(await merged([...files].reverse(), 5, 2)).toEqual(whole);
        expect(
          await merged(
            files.flatMap((file) => split(file, parts)),
            5,
            4,
          ),
        ).toEqual(whole);
      }),
    );
  });

  it('can be merged again: first groups, then the groups', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(hits, { minLength: 2, maxLength: 6 }), async (files) => {
        const half = files.length >> 1;
        const first = await merged(files.slice(0, half), 3, 2);
        const second = await merged(files.slice(half), 3, 2);
        expect(await merged([first, second], 3, 2)).toEqual(await merged(files, 3, 2));
      }),
    );
  });

  it('emits batches whose sizes depend only on the rows', async () => {
    const file = Array.from({ length: 20_000 }, (_, i) => ({
      query: `q${String(i >> 3).padStart(5, '0')}`,
      target: `t${i}`,
      distance: i & 7,
      bucket: 'b',
    }));
    const sizes = async (parts: number) => {
      const counts: number[] = [];
      for await (const batch of mergeStreams(
        split(file, parts).map((part) => batches(part, 999)),
        8,
      ))
        counts.push(hitRows(batch));
      return counts;
    };
    expect(await sizes(1)).toEqual([8192, 8192, 3616]);
    expect(await sizes(7)).toEqual(await sizes(1));
  });

  it('requests no batch after the end of an input, and none for an empty merge', () => {
    expect([...mergeHits(0, 3)]).toEqual([]);
    const merge = mergeHits(2, 3);
    expect(merge.next().value).toBe(0);
    expect(merge.next(hitColumns([{ query: 'a', target: 't', distance: 1, bucket: 'b' }])).value).toBe(1);
    expect(merge.next(undefined).value).toBe(0);
    const last = merge.next(undefined);
    expect(neighboursOf(last.value as NeighbourColumns)).toHaveLength(1);
    expect(merge.next()).toEqual({ done: true, value: undefined });
  });

  const one = (query: string, distance: number) => ({ query, target: 't', distance, bucket: 'b' });
  it.each([
    ['queries', [one('b', 0), one('a', 0)], 1],
    ['distances', [one('a', 0), one('a', 2), one('a', 1)], 2],
    ['queries at the end of a batch', [one('a', 0), one('b', 0), one('c', 0), one('b', 0)], 3],
    ['distances across batches', [one('a', 0), one('a', 1), one('a', 2), one('a', 1)], 3],
  ])('names the input and the row where %s are not in order', async (_, file, row) => {
    const streams = [batches([one('a', 0)], 3), batches(file, 3)];
    const read = async () => {
      for await (const _ of mergeStreams(streams, 10));
    };
    await expect(read()).rejects.toEqual(new OrderError(1, row));
  });

  it('orders ids by their bytes, not by UTF-16 units', async () => {
    const ids = ['\uffff', '😀', 'z', 'é'];
    const rows = await merged([ids.map((query) => one(query, 0))], 1, 10);
    expect(rows.map(({ query }) => query)).toEqual(['z', 'é', '\uffff', '😀']);
    expect([...ids].sort(bytewise)).toEqual(['z', 'é', '\uffff', '😀']);
  });
});
