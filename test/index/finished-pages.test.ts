import { expect, it } from 'vitest';
import { FinishedPages } from '../../workers/src/index/finished-pages.ts';

it('counts the bytes before the first range that is missing, in whatever order ranges are written', () => {
  const ranges = [2, 1, 3, 1, 2];
  const ends = [100, 150, 400, 410, 900];
  const all = ranges.flatMap((count, page) => new Array<number>(count).fill(page));
  for (let seed = 0; seed < 50; seed++) {
    const pages = new FinishedPages();
    for (const [page, count] of ranges.entries()) pages.add(count, ends[page]!);
    const order = all
      .map((page, i) => ({ page, key: Math.sin(seed * 100 + i) }))
      .sort((a, b) => a.key - b.key)
      .map(({ page }) => page);
    const missing = [...ranges];
    for (const page of order) {
      missing[page]!--;
      const first = missing.findIndex((count) => count > 0);
      expect(pages.finishRange(page)).toBe((first === -1 ? ends.at(-1) : ends[first - 1]) ?? 0);
    }
  }
});
