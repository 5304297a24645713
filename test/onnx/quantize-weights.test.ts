import fc from 'fast-check';
import { expect, test } from 'vitest';
import { quantizeMatrix } from '../../workers/src/onnx/quantize-weights.ts';
import { isExactEverywhere } from '../support/byte-product.ts';

const sizes = fc.tuple(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 6 }));
// Also few distinct values, so that pairs of the largest are common.
const numbers = fc.oneof(fc.float({ min: -1000, max: 1000, noNaN: true }), fc.constantFrom(-3, 0, 1, 2, 3));
const matrices = sizes.chain(([rows, columns]) =>
  fc.record({
    rows: fc.constant(rows),
    columns: fc.constant(columns),
    values: fc.array(numbers, { minLength: rows * columns, maxLength: rows * columns }),
  }),
);

test('is transposed, with an error of at most half a step of the row', () => {
  fc.assert(
    fc.property(matrices, ({ rows, columns, values }) => {
      const { bytes, scales } = quantizeMatrix(values, rows, columns);
      for (let row = 0; row < rows; row++)
        for (let column = 0; column < columns; column++) {
          const back = bytes[column * rows + row]! * scales[row]!;
          expect(Math.abs(back - values[row * columns + column]!)).toBeLessThanOrEqual(scales[row]! * 0.5001 + 1e-40);
        }
    }),
  );
});

test('products with unsigned bytes are exact on processors that add pairs of them in 16 bits', () => {
  // The emulation shows the saturation: two neighbours of 127.
  expect(isExactEverywhere(Int8Array.of(127, 127), 0, 2, 1)).toBe(false);
  fc.assert(
    fc.property(matrices, ({ rows, columns, values }) => {
      const { bytes } = quantizeMatrix(values, rows, columns);
      for (let row = 0; row < rows; row++) expect(isExactEverywhere(bytes, row, columns, rows)).toBe(true);
    }),
  );
});

test('the range of 8 bits is used where pairs allow it', () => {
  const largest = (values: number[]) => Math.max(...quantizeMatrix(values, 1, values.length).bytes.map(Math.abs));
  expect(
    [
      [5, -5],
      [5, 0, 1, 1],
      [0, 5, 5, 0],
      [1, 1, 5],
    ].map(largest),
  ).toEqual([127, 127, 127, 127]);
  expect(largest([5, 5])).toBe(64);
});

test('a row of zeros stays zero', () => {
  expect(quantizeMatrix([0, 0, 1, -2], 2, 2)).toEqual({
    bytes: Int8Array.of(0, 64, 0, -127),
    scales: Float32Array.of(0, 2 / 127),
  });
});
