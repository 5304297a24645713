import fc from 'fast-check';
import { expect, test } from 'vitest';
import { columnFrom } from '../../../workers/src/base/bytes/utf8-column.ts';
import { rankHits } from '../../../workers/src/hits/rank.ts';
import { rankRows } from '../../../workers/src/search/output/rank-rows.ts';
import { id } from '../../support/hits.ts';

/** Of both signs, with ties, zeros and the extremes of float32. */
const distance = fc.oneof(
  fc.integer({ min: -3, max: 3 }),
  fc.constantFrom(-0, 0, ...[0.1, -0.1, 1e-45, -1e-45, 3e38, -3e38].map(Math.fround)),
  fc.float({ noNaN: true, noDefaultInfinity: true }),
);

test('rows are ranked by distance, then by the bytes of their ids', () => {
  const rows = fc.uniqueArray(fc.record({ id, distance }), { maxLength: 40, selector: (row) => row.id });
  fc.assert(
    fc.property(rows, fc.integer({ min: 1, max: 50 }), (some, k) => {
      const distances = Float32Array.from(some, (row) => row.distance);
      const ids = some.map((row) => Buffer.from(row.id));
      const ranked = [...rankRows(distances, some.length, k, (at) => ids[at]!)];
      const column = columnFrom(some.map((row) => row.id));
      const positions = some.map((_, at) => at);
      expect(ranked).toEqual(rankHits(positions, distances, column, k).targets);
    }),
    { numRuns: 300 },
  );
});
