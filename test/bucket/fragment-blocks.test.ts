import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fragmentBlocks, rowIdsOf } from '../../workers/src/bucket/fragment-blocks.ts';

test('blocks contain every row of the spans once, in order, with LanceDB row ids', () => {
  const sizes = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 8 });
  fc.assert(
    fc.property(sizes, fc.array(fc.nat(60), { maxLength: 12 }), fc.integer({ min: 1, max: 25 }), (rows, cuts, most) => {
      const total = rows.reduce((a, b) => a + b, 0);
      const ids = rows.flatMap((count, fragment) => Array.from({ length: count }, (_, i) => fragment * 2 ** 32 + i));
      // Every second range between the cuts is a span.
      const at = [...new Set([0, ...cuts.filter((cut) => cut < total), total])].sort((a, b) => a - b);
      const spans = at.slice(1).map((end, i) => ({ first: at[i]!, end }));
      const wanted = spans.filter((_, i) => i % 2 === 0);
      const found: number[] = [];
      const fragments = rows.map((count) => ({ rows: count }));
      for (const { span, rows: count, parts } of fragmentBlocks(wanted, fragments, most)) {
        expect(wanted).toContain(span);
        expect(count).toBeLessThanOrEqual(most);
        const own = new Float64Array(count);
        rowIdsOf(parts, own);
        found.push(...own);
      }
      expect(found).toEqual(wanted.flatMap(({ first, end }) => ids.slice(first, end)));
    }),
  );
});
