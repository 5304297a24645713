import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../workers/src/base/random.ts';
import { codePages, codeRanges } from '../../workers/src/index/code-layout.ts';

/** First rows of partitions of these row counts. */
function firstRowsOf(counts: readonly number[]): Float64Array {
  const firstRows = new Float64Array(counts.length + 1);
  for (const [i, count] of counts.entries()) firstRows[i + 1] = firstRows[i]! + count;
  return firstRows;
}

const random = seededRandom(1);
const uneven = Array.from({ length: 700 }, () => Math.floor(random() ** 8 * 20_000));

describe.each<[string, number[]]>([
  ['one row', [1]],
  ['one partition', [200_001]],
  ['empty partitions at both ends', [0, 0, 33, 0, 131_072, 0]],
  ['a page that ends with a partition', [65_536, 65_536, 5]],
  ['partitions of one row', Array(70_000).fill(1)],
  ['uneven partitions', uneven],
])('pages and ranges of %s', (_, counts) => {
  const firstRows = firstRowsOf(counts);
  const rows = firstRows.at(-1)!;
  const pages = codePages(firstRows);
  const ranges = pages.flatMap((page) => codeRanges(page, firstRows));

  it('cover every row once, in order', () => {
    for (const spans of [pages, ranges]) {
      expect(spans[0]!.first).toBe(0);
      expect(spans.at(-1)!.end).toBe(rows);
      for (const [i, { first, end }] of spans.entries()) {
        expect(end).toBeGreaterThan(first);
        if (i > 0) expect(first).toBe(spans[i - 1]!.end);
      }
    }
  });

  it('have at most 65,536 and 8,192 rows, and nearly as many unless they are the last', () => {
    for (const [spans, most, least] of [
      [pages, 65_536, 65_536 - 4096 - 31],
      [ranges, 8192, 8192 - 31],
    ] as const)
      for (const [i, { first, end }] of spans.entries()) {
        expect(end - first).toBeLessThanOrEqual(most);
        const endsPage = pages.some((page) => page.end === end);
        if (i < spans.length - 1 && !(spans === ranges && endsPage)) expect(end - first).toBeGreaterThanOrEqual(least);
      }
  });

  it('begin at a partition, or a multiple of 32 rows after its beginning', () => {
    for (const { first } of ranges) {
      const start = firstRows.findLast((begin) => begin <= first)!;
      expect((first - start) % 32).toBe(0);
    }
  });
});
