import fc from 'fast-check';
import { expect, test } from 'vitest';
import { distinctVectors } from '../../workers/src/vectors/distinct.ts';

const component = fc.constantFrom(0, -0, 1, Math.fround(0.1), Number.NaN);

test('every row keeps its vector, and no vector is duplicated', () => {
  fc.assert(
    fc.property(
      fc
        .integer({ min: 1, max: 3 })
        .chain((dimension) =>
          fc.array(fc.array(component, { minLength: dimension, maxLength: dimension }), { maxLength: 40 }),
        ),
      (rows) => {
        const dimension = rows[0]?.length ?? 1;
        const { count, vectors, of } = distinctVectors(Float32Array.from(rows.flat()), dimension);
        const text = (row: readonly number[]) => row.map((x) => (Object.is(x, -0) ? '-0' : `${x}`)).join();
        const kept = Array.from({ length: count }, (_, i) =>
          text([...vectors.subarray(i * dimension, (i + 1) * dimension)]),
        );
        expect(vectors.length).toBe(count * dimension);
        expect(kept).toEqual([...new Set(rows.map(text))]);
        expect(Array.from(of, (i) => kept[i])).toEqual(rows.map(text));
      },
    ),
  );
});
