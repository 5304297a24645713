import fc from 'fast-check';
import { expect, it } from 'vitest';
import { seededRandom } from '../../../workers/src/base/random.ts';
import { toOlderForm } from '../../../workers/src/index/older-form/older-form.ts';

/** Returns the product of a code's signs, each of size `unit`, and a query. */
function product(codes: Uint8Array, row: number, query: Float32Array, unit: number): number {
  let sum = 0;
  for (const [i, value] of query.entries()) {
    const bit = (codes[(row * query.length + i) >> 3]! >> (i & 7)) & 1;
    sum += (bit ? unit : -unit) * value;
  }
  return sum;
}

it('keeps the estimated distances, by the formulas of both forms', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 0, max: 9 }), fc.nat(), (bytes, rows, seed) => {
      const random = seededRandom(seed);
      const floats = (length: number) => Float32Array.from({ length }, () => random() - 0.5);
      const dimension = 8 * bytes;
      const codes = Uint8Array.from({ length: rows * bytes }, () => 256 * random());
      const [centroid, query] = [floats(dimension), floats(dimension)];
      const [add, scale] = [floats(rows), floats(rows)];
      // lance-index 8, bq/storage.rs: RawQuery multiplies by the query, ResidualQuery by its residual.
      const newer = Array.from(add, (part, row) => part + scale[row]! * product(codes, row, query, 0.5));
      toOlderForm(codes, centroid, add, scale);
      const residual = query.map((value, i) => value - centroid[i]!);
      for (const [row, expected] of newer.entries()) {
        const older = add[row]! + scale[row]! * product(codes, row, residual, 1 / Math.sqrt(dimension));
        expect(older).toBeCloseTo(expected, 4);
      }
    }),
  );
});
