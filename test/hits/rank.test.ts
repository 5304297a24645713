import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { columnFrom } from '../../workers/src/base/bytes/utf8-column.ts';
import { compareIds, rankHits, sortedIdOrder } from '../../workers/src/hits/rank.ts';

const id = fc.oneof(fc.string({ unit: 'binary', maxLength: 4 }), fc.constantFrom('', 'a', 'ab', 'é', '😀', '\uffff'));
const byBytes = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b));

describe('sortedIdOrder', () => {
  it('orders ids by their UTF-8 bytes, which is not the order of JavaScript strings', () => {
    const texts = ['\uffff', '😀', 'é', 'z', 'a', ''];
    const order = sortedIdOrder(columnFrom(texts));
    expect(Array.from(order, (i) => texts[i])).toEqual(['', 'a', 'z', 'é', '\uffff', '😀']);
  });

  it('agrees with Buffer.compare', () => {
    fc.assert(
      fc.property(fc.array(id, { maxLength: 30 }), (texts) => {
        const order = sortedIdOrder(columnFrom(texts));
        expect(Array.from(order, (i) => texts[i])).toEqual([...texts].sort(byBytes));
        for (let i = 1; i < order.length; i++)
          expect(Math.sign(compareIds(columnFrom(texts), order[i - 1]!, order[i]!))).toBeLessThanOrEqual(0);
      }),
    );
  });
});

describe('rankHits', () => {
  it('sorts by distance, then by the bytes of the id, and keeps k', () => {
    const hits = fc.array(fc.tuple(id, fc.integer({ min: 0, max: 3 })), { maxLength: 30 });
    fc.assert(
      fc.property(hits, fc.integer({ min: 1, max: 40 }), (candidates, k) => {
        const texts = candidates.map(([text]) => text);
        const distances = candidates.map(([, value]) => value);
        const ranked = rankHits([...candidates.keys()], distances, columnFrom(texts), k);
        const sorted = [...candidates].sort((a, b) => a[1] - b[1] || byBytes(a[0], b[0])).slice(0, k);
        expect(ranked.targets.map((i) => texts[i])).toEqual(sorted.map(([text]) => text));
        expect(ranked.distances).toEqual(sorted.map(([, value]) => value));
      }),
    );
  });

  it('reads distances by candidate and ids by position', () => {
    const ranked = rankHits([2, 0], [0.5, 0.1], columnFrom(['x', 'y', 'z']), 10);
    expect(ranked).toEqual({ targets: [0, 2], distances: [0.1, 0.5] });
  });
});
