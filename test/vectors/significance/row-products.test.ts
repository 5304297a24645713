import fc from 'fast-check';
import { expect, it } from 'vitest';
import { RowProducts } from '../../../workers/src/vectors/significance/row-products.ts';

const float = fc.float({ noNaN: true, min: -1000, max: 1000 });
const vectors = fc.tuple(fc.integer({ min: 1, max: 70 }), fc.integer({ min: 0, max: 9 })).chain(([dimension, rows]) =>
  fc.array(fc.array(float, { minLength: dimension, maxLength: dimension }), {
    minLength: rows + 1,
    maxLength: rows + 1,
  }),
);

it('inner products are those of double precision, up to rounding', () => {
  fc.assert(
    fc.property(vectors, ([vector = [], ...rows]) => {
      const products = new RowProducts(rows.length, vector.length);
      expect(products.of(vector)).toHaveLength(0);
      for (const [i, row] of rows.entries()) {
        products.add(row);
        const found = products.of(vector);
        expect(found).toHaveLength(i + 1);
        for (const [k, product] of found.entries()) {
          const terms = rows[k]!.map((value, c) => value * vector[c]!);
          const magnitude = terms.reduce((sum, term) => sum + Math.abs(term), 0);
          const exact = terms.reduce((sum, term) => sum + term, 0);
          // Each term takes part in as many additions as a lane has.
          expect(Math.abs(product - exact)).toBeLessThanOrEqual(
            2 ** -23 * (6 + vector.length / 16) * magnitude + 1e-40,
          );
        }
      }
    }),
  );
});
