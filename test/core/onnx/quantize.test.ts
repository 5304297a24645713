import fc from 'fast-check';
import { expect, test } from 'vitest';
import { quantizeMatrix } from '../../../workers/src/core/onnx/quantize.ts';

test('is off by half a step of the row at most, and transposed', () => {
  const sizes = fc.tuple(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 6 }));
  const matrices = sizes.chain(([rows, columns]) =>
    fc.record({
      rows: fc.constant(rows),
      columns: fc.constant(columns),
      values: fc.array(fc.float({ min: -1000, max: 1000, noNaN: true }), {
        minLength: rows * columns,
        maxLength: rows * columns,
      }),
    }),
  );
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

test('a row of zeros stays zero', () => {
  expect(quantizeMatrix([0, 0, 1, -2], 2, 2)).toEqual({
    bytes: Int8Array.of(0, 64, 0, -127),
    scales: Float32Array.of(0, 2 / 127),
  });
});
