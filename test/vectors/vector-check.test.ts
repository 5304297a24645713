import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  describeBadEmbedding,
  describeBadVector,
  findBadEmbedding,
  findBadVector,
} from '../../workers/src/vectors/vector-check.ts';

const ordinary = fc.float({ min: -1e6, max: 1e6, noNaN: true });
const unlike = fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY);

describe('findBadVector', () => {
  it('accepts ordinary rows under any metric', () => {
    const rows = fc.array(fc.tuple(ordinary, ordinary, fc.constant(1)), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(rows, fc.constantFrom('cosine' as const, 'l2' as const, 'dot' as const), (vectors, metric) => {
        expect(findBadVector(Float32Array.from(vectors.flat()), vectors.length, 3, metric)).toBeUndefined();
      }),
    );
  });

  it('finds the first row with a value that is not finite, and the value', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 9 }), fc.nat(20), fc.nat(), unlike, (dimension, row, at, value) => {
        const vectors = new Float32Array((row + 3) * dimension).fill(1);
        const component = at % dimension;
        vectors[row * dimension + component] = value;
        vectors.fill(Number.NaN, (row + 1) * dimension);
        expect(findBadVector(vectors, row + 3, dimension, 'l2')).toEqual({ row, component, value });
      }),
    );
  });

  it('refuses a row of zeros of either sign under cosine only', () => {
    const vectors = Float32Array.of(1, 0, 0, -0, 0, 0);
    expect(findBadVector(vectors, 3, 2, 'cosine')).toEqual({ row: 1 });
    expect(findBadVector(vectors, 3, 2, 'l2')).toBeUndefined();
    expect(findBadVector(vectors, 3, 2, 'dot')).toBeUndefined();
  });

  it('refuses lengths whose squares overflow or underflow float32: every distance to them would be wrong', () => {
    const long = Float32Array.of(1, 1, 1e19, 1e19);
    for (const metric of ['cosine', 'l2', 'dot'] as const)
      expect(findBadVector(long, 2, 2, metric)).toMatchObject({ row: 1, length: expect.closeTo(1.414e19, -17) });
    const short = Float32Array.of(1, 1, 1e-25, 0);
    expect(findBadVector(short, 2, 2, 'cosine')).toMatchObject({ row: 1 });
    expect(findBadVector(short, 2, 2, 'l2')).toBeUndefined();
  });

  it('checks `rows` rows and no more', () => {
    expect(findBadVector(Float32Array.of(1, 1, Number.NaN, 1), 1, 2, 'cosine')).toBeUndefined();
    expect(findBadVector(new Float32Array(0), 0, 2, 'cosine')).toBeUndefined();
  });
});

describe('describeBadVector', () => {
  it('names the row of the file, the id and what to do', () => {
    expect(describeBadVector({ row: 2, component: 1, value: Number.NaN }, 100, Buffer.from('a"b\n'))).toMatch(
      /^row 102 \(id "a\\"b\\n"\) has NaN at component 1\..*(remove|fix)/,
    );
    expect(describeBadVector({ row: 0 }, 0, Buffer.from('p'))).toMatch(/^row 0 \(id "p"\) is all zero.*--metric l2/);
    expect(describeBadVector({ row: 0, length: 1e20 }, 7, Buffer.from('p'))).toMatch(
      /^row 7 \(id "p"\) has length 1\.00e\+20.*[Ss]cale/,
    );
  });
});

describe('findBadEmbedding', () => {
  it('finds vectors that no metric can compare, and allows zeros', () => {
    expect(findBadEmbedding(Float32Array.of(0, 0, 1e18, 0, 3, Number.NaN), 2, 2)).toBeUndefined();
    expect(findBadEmbedding(Float32Array.of(0, 0, 1, Number.NaN), 2, 2)).toMatchObject({ row: 1, component: 1 });
    expect(findBadEmbedding(Float32Array.of(Number.NEGATIVE_INFINITY, 0), 1, 2)).toMatchObject({ component: 0 });
    expect(findBadEmbedding(Float32Array.of(2e18, 0), 1, 2)).toMatchObject({
      row: 0,
      length: expect.closeTo(2e18, -13),
    });
  });
});

describe('describeBadEmbedding', () => {
  it('names the sequence and what to do', () => {
    const bad = { row: 0, component: 1, value: Number.NaN };
    const text = (precision?: string) => describeBadEmbedding(bad, 'a.fa: record 3 ("x")', precision);
    expect(text()).toMatch(
      /^a\.fa: record 3 \("x"\): the vector of this sequence has NaN at component 1\. Vectors must be finite/,
    );
    expect([text('int8'), text('float32')].map((line) => /--precision float32$/.test(line))).toEqual([true, false]);
    const large = { row: 0, component: 1, value: 7e4, inFloat16: true } as const;
    expect(describeBadEmbedding(large, 'W')).toBe(
      'W: the vector of this sequence has 70000 at component 1, which is infinite in float16. Use --vector-type float32',
    );
  });
});
