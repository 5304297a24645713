import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LANES } from '../../../../workers/src/base/wasm/simd.ts';
import { instantiateKernels } from '../../../../workers/src/search/engine/block-scorer.ts';
import { kernelModule, RESCORED_AT_ONCE, ROW_NUMBERS } from '../../../../workers/src/search/engine/filters/kernels.ts';
import { randomRows } from '../../../support/shards.ts';
import { sumInFours } from '../../../support/true-distance.ts';

const memory = new WebAssembly.Memory({ initial: 64, maximum: 64, shared: true });
const kernels = instantiateKernels(new WebAssembly.Module(kernelModule()), memory);
const place = (address: number, values: Float32Array) =>
  new Float32Array(memory.buffer, address, values.length).set(values);

describe('innerProduct and squaredDifference', () => {
  it('are sums in double precision, in the documented order, at any offset', () => {
    const component = fc.float({ min: -1e6, max: 1e6, noNaN: true });
    const vectors = fc.integer({ min: 1, max: 70 }).chain((n) => {
      const vector = fc.array(component, { minLength: n, maxLength: n }).map((x) => Float32Array.from(x));
      return fc.tuple(vector, vector, fc.nat(9), fc.nat(9));
    });
    fc.assert(
      fc.property(vectors, ([a, b, shiftA, shiftB]) => {
        const [atA, atB] = [64 + 4 * shiftA, 4096 + 4 * shiftB];
        place(atA, a);
        place(atB, b);
        expect(kernels.innerProduct(atA, atB, a.length)).toBe(sumInFours(a.length, (i) => a[i]! * b[i]!));
        const squares = sumInFours(a.length, (i) => (a[i]! - b[i]!) * (a[i]! - b[i]!));
        expect(kernels.squaredDifference(atA, atB, a.length)).toBe(squares);
        // Several rows at once have the same sums as each row alone.
        const others = [0, 4, 8].map((shift) => atB + shift);
        const [into, sums] = [8192, new Float64Array(memory.buffer, 8192, RESCORED_AT_ONCE)];
        for (const [several, one] of [
          [kernels.innerProducts, kernels.innerProduct],
          [kernels.squaredDifferences, kernels.squaredDifference],
        ] as const) {
          several(atA, others[0]!, others[1]!, atB, others[2]!, a.length, into);
          expect([...sums]).toEqual([others[0]!, others[1]!, atB, others[2]!].map((at) => one(atA, at, a.length)));
        }
      }),
    );
  });
});

describe('quantize', () => {
  it.each([
    [16, 0, 127, 128],
    [960, 0, 63, 0],
    [960, 1, 127, 128],
    [2560, 1, 127, 0],
  ])(
    'rounds to codes and returns the error: D = %i, unit %i, largest %i, flip %i',
    (dimension, unit, largest, flip) => {
      const rows = 5;
      const { vectors } = randomRows(3, rows, dimension);
      const mean = randomRows(4, 1, dimension).vectors.map((x) => x / 10);
      vectors.subarray(2 * dimension, 3 * dimension).set(unit ? mean.map((x) => 2 * x) : mean);
      const [at, meanAt, room, codesAt, numbersAt] = [1 << 16, 1 << 18, 1 << 19, 1 << 20, 1 << 21] as const;
      place(at, vectors);
      place(meanAt, mean);
      kernels.quantize(at, rows, dimension, meanAt, room, codesAt, numbersAt, unit, largest, flip);
      const raw = new Uint8Array(memory.buffer, codesAt, rows * dimension);
      const numbers = new Float32Array(memory.buffer, numbersAt, rows * ROW_NUMBERS);
      for (let row = 0; row < rows; row++) {
        const own = Float64Array.from(vectors.subarray(row * dimension, (row + 1) * dimension));
        const length = unit ? Math.hypot(...own) : 1;
        const less = own.map((x, i) => x / length - mean[i]!);
        const [scale, size, lost, withMean] = numbers.subarray(row * ROW_NUMBERS);
        const codes = Array.from(raw.subarray(row * dimension, (row + 1) * dimension), (byte) =>
          flip ? byte - 128 : (byte << 24) >> 24,
        );
        expect(Math.max(...codes.map(Math.abs))).toBeLessThanOrEqual(largest);
        expect(Math.abs(size! - Math.hypot(...less))).toBeLessThan(1e-5 * (1 + size!));
        expect(Math.abs(lost! - Math.hypot(...less.map((x, i) => x - codes[i]! * scale!)))).toBeLessThan(
          1e-5 * (1 + size!),
        );
        expect(Math.abs(withMean! - less.reduce((sum, x, i) => sum + x * mean[i]!, 0))).toBeLessThan(
          1e-4 * (1 + size!),
        );
        for (const [i, x] of less.entries())
          expect(Math.abs(x - codes[i]! * scale!)).toBeLessThanOrEqual(scale! * 0.501 + 1e-6);
      }
    },
  );
});

describe('squares', () => {
  it.each([1, 7, 16, 19, 960])('are the squared lengths of rows of %i components', (dimension) => {
    const rows = 5;
    const { vectors } = randomRows(5, rows, dimension);
    place(68, vectors);
    kernels.squares(68, rows, dimension, 1 << 20);
    const found = new Float32Array(memory.buffer, 1 << 20, rows);
    for (let row = 0; row < rows; row++) {
      const own = Float64Array.from(vectors.subarray(row * dimension, (row + 1) * dimension));
      const square = own.reduce((sum, x) => sum + x * x, 0);
      expect(Math.abs(found[row]! - square)).toBeLessThan(2 ** -24 * (dimension / 16 + 16) * square);
    }
  });
});

describe.each(['select', 'selectFloats'] as const)('%s', (select) => {
  it('selects pairs that are not less, and NaN', () => {
    const values = fc.float({ min: -8, max: 8, noNaN: false }).map(Math.fround);
    const sizes = fc.record({ rows: fc.integer({ min: 1, max: 9 }), lanes: fc.integer({ min: 1, max: 3 }) });
    const setting = sizes.chain(({ rows, lanes }) => {
      const width = lanes * LANES;
      return fc.record({
        rows: fc.constant(rows),
        width: fc.constant(width),
        dots: fc.array(fc.integer({ min: -9, max: 9 }), { minLength: rows * width, maxLength: rows * width }),
        rowTerms: fc.array(values, { minLength: rows * 4, maxLength: rows * 4 }),
        queryTerms: fc.array(values, { minLength: width * 3, maxLength: width * 3 }),
      });
    });
    const f = Math.fround;
    fc.assert(
      fc.property(setting, ({ rows, width, dots, rowTerms, queryTerms }) => {
        const Values = select === 'select' ? Int32Array : Float32Array;
        new Values(memory.buffer, 4096, dots.length).set(dots);
        place(8192, Float32Array.from(rowTerms));
        place(12288, Float32Array.from(queryTerms));
        const count = kernels[select](4096, rows, width, 8192, 12288, 16384);
        const found = [...new Uint32Array(memory.buffer, 16384, count)];
        const expected = dots.flatMap((dot, pair) => {
          const [row, query] = [Math.floor(pair / width), pair % width];
          const [a, b, c, d] = rowTerms.slice(row * 4, row * 4 + 4) as [number, number, number, number];
          const [ofB, ofC, least] = [0, 1, 2].map((i) => queryTerms[i * width + query]!) as [number, number, number];
          const value = f(f(f(dot * a) + f(b * ofB)) + f(f(c * ofC) + d));
          return value < least ? [] : [pair];
        });
        expect(found).toEqual(expected);
      }),
    );
  });
});
