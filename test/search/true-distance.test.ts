import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { METRICS } from '../../workers/src/vectors/metric.ts';
import { trueDistance } from '../support/true-distance.ts';

const component = fc.float({ min: -1000, max: 1000, noNaN: true, noDefaultInfinity: true });
const vector = (dimension: number) =>
  fc.array(component, { minLength: dimension, maxLength: dimension }).map((x) => Float32Array.from([...x, 1]));
const pair = fc
  .integer({ min: 1, max: 30 })
  .chain((dimension) => fc.tuple(fc.constant(dimension + 1), vector(dimension), vector(dimension)));

const distance = (metric: (typeof METRICS)[number], a: Float32Array, b: Float32Array) => trueDistance(metric, a, b);

describe('trueDistance', () => {
  it('is 1 - cosine, the squared Euclidean distance, or 1 - inner product', () => {
    const [a, b] = [Float32Array.of(3, 4), Float32Array.of(4, 3)];
    expect(distance('cosine', a, b)).toBe(Math.fround(1 - 24 / 25));
    expect(distance('l2', a, b)).toBe(2);
    expect(distance('dot', a, b)).toBe(-23);
  });

  it('is symmetric, a float32, and never negative except under dot', () => {
    fc.assert(
      fc.property(pair, fc.constantFrom(...METRICS), ([, a, b], metric) => {
        const found = distance(metric, a, b);
        expect(found).toBe(Math.fround(found));
        expect(distance(metric, b, a)).toBe(found);
        if (metric !== 'dot') expect(found).toBeGreaterThanOrEqual(0);
      }),
    );
  });

  it('is zero between copies, and for cosine between vectors of the same direction', () => {
    fc.assert(
      fc.property(pair, fc.constantFrom(3, 0.1, 7e5), ([, a], scale) => {
        expect(distance('l2', a, a.slice())).toBe(0);
        expect(distance('cosine', a, a.slice())).toBe(0);
        const scaled = Float64Array.from(a, (x) => x * scale);
        // Scaling rounds each component, which turns the vector by less than cosine can show.
        expect(distance('cosine', a, Float32Array.from(scaled))).toBeLessThan(1e-12);
      }),
    );
  });
});
