import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../workers/src/base/random.ts';
import { codePages, codeRanges } from '../../workers/src/index/code-layout.ts';
import { packCodes, packPartitions, unpackCodes } from '../../workers/src/index/pack-codes.ts';
import { allocateCodes, encodeRows, quantizeResiduals, RESIDUAL_ZERO } from '../../workers/src/index/rabitq.ts';
import { fillRotation, quantizeMatrix, rotate, rotationSignBytes } from '../../workers/src/index/rotation.ts';
import { METRICS } from '../../workers/src/vectors/metric.ts';

const dimension = fc.integer({ min: 1, max: 40 }).map((n) => 8 * n);
const seed = fc.integer({ min: 1, max: 1e6 });

function randomBytes(count: number, from: number): Uint8Array {
  const random = seededRandom(from);
  return Uint8Array.from({ length: count }, () => Math.floor(random() * 256));
}

function rotationMatrix(signs: Uint8Array, d: number): Float32Array {
  const matrix = new Float32Array(d * d).fill(7);
  fillRotation(matrix, signs, { first: 0, end: 3 });
  fillRotation(matrix, signs, { first: 3, end: d });
  return matrix;
}

function packed(codes: Uint8Array, codeBytes: number): Uint8Array {
  const bytes = new Uint8Array(codes.length);
  packCodes(codes, codeBytes, bytes);
  return bytes;
}

function randomFloats(count: number, from: number): Float32Array {
  const random = seededRandom(from);
  return Float32Array.from({ length: count }, () => random() - 0.5);
}

describe('the rotation', () => {
  it('keeps lengths and angles, whatever the signs', () => {
    fc.assert(
      fc.property(dimension, seed, (d, from) => {
        const matrix = rotationMatrix(randomBytes(rotationSignBytes(d), from), d);
        for (let i = 0; i < d; i += 7)
          for (let j = 0; j < d; j += 5) {
            let product = 0;
            for (let k = 0; k < d; k++) product += matrix[i * d + k]! * matrix[j * d + k]!;
            expect(product).toBeCloseTo(i === j ? 1 : 0, 4);
          }
      }),
      { numRuns: 20 },
    );
  });

  it('equals the product with its matrix', () => {
    const d = 24;
    const signs = randomBytes(rotationSignBytes(d), 3);
    const matrix = rotationMatrix(signs, d);
    const row = randomFloats(d, 4);
    const rotated = row.slice();
    rotate(rotated, signs);
    for (let j = 0; j < d; j++) {
      let product = 0;
      for (let i = 0; i < d; i++) product += row[i]! * matrix[i * d + j]!;
      expect(rotated[j]).toBeCloseTo(product, 5);
    }
  });
});

describe('encodeRows', () => {
  it.each(METRICS)('computes factors that estimate distances to a query: %s', (metric) => {
    const toUnit = metric === 'cosine';
    const d = 256;
    const rows = 300;
    const centroid = unit(randomFloats(d, 5));
    const vectors = randomFloats(rows * d, 6).map((value, i) => 0.2 * value + centroid[i % d]!);
    const query = unit(randomFloats(d, 7).map((value, i) => 0.2 * value + centroid[i]!));
    const signs = randomBytes(rotationSignBytes(d), 8);
    const residuals = new Uint8Array(rows * d);
    const squares = new Float64Array(rows);
    quantizeResiduals(vectors, centroid, toUnit, residuals, squares);
    const matrix = quantizeMatrix(rotationMatrix(signs, d));
    const rotated = new Int32Array(rows * d);
    for (let row = 0; row < rows; row++)
      for (let i = 0; i < d; i++)
        for (let j = 0; j < d; j++)
          rotated[row * d + j]! += (residuals[row * d + i]! - RESIDUAL_ZERO) * matrix[i * d + j]!;
    const codes = allocateCodes(rows, d);
    const turnedCentroid = centroid.slice();
    const residualQuery = query.map((value, i) => value - centroid[i]!);
    rotate(turnedCentroid, signs);
    rotate(residualQuery, signs);
    encodeRows(rotated, squares, turnedCentroid, metric, codes, 0);
    const distance = metric === 'dot' ? dotDistance : squaredDistance;
    // The part of the query alone; clients subtract 1 from a dot distance, which the rows' part has.
    const toCentroid = distance(query, centroid) - (metric === 'dot' ? 1 : 0);
    // The code represents a vector that is multiplied by the query's residual, twice except under dot.
    const span = metric === 'dot' ? 1 : 2 * Math.sqrt(toCentroid);
    let within = 0;
    for (let row = 0; row < rows; row++) {
      const vector = vectors.slice(row * d, (row + 1) * d);
      const exact = distance(query, toUnit ? unit(vector) : vector);
      let signed = 0;
      for (let i = 0; i < d; i++)
        signed += (2 * ((codes.codes[(row * d + i) >> 3]! >> (i & 7)) & 1) - 1) * residualQuery[i]!;
      const estimate = toCentroid + codes.add[row]! + (codes.scale[row]! * signed) / Math.sqrt(d);
      // The code's product with the row's direction, and the standard deviation that follows (RaBitQ, theorem 3.2).
      const alignment = ((metric === 'dot' ? 1 : 2) * Math.sqrt(squares[row]!)) / Math.abs(codes.scale[row]!);
      const deviation = Math.sqrt((squares[row]! * (alignment ** -2 - 1)) / (d - 1));
      if (Math.abs(estimate - exact) <= 1.9 * deviation * span) within++;
      if (metric !== 'dot') expect(Math.abs(estimate - exact)).toBeLessThan(0.25 * exact);
    }
    expect(within / rows).toBeGreaterThan(0.9);
  });
});

describe('packing', () => {
  it('is undone by unpacking, for whole groups and the remaining rows', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 100 }), fc.integer({ min: 1, max: 12 }), seed, (rows, codeBytes, from) => {
        const codes = randomBytes(rows * codeBytes, from);
        expect(unpack(packed(codes, codeBytes), codeBytes)).toEqual(codes);
        expect(unpackCodes(packed(codes, codeBytes), codeBytes)).toEqual(codes);
      }),
    );
  });

  it('range by range equals packing partition by partition', () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat({ max: 150 }), { minLength: 1, maxLength: 12 }),
        fc.nat({ max: 20_000 }),
        seed,
        (sizes, large, from) => {
          const codeBytes = 3;
          const firstRows = Float64Array.from([0, ...sizes, large, 1]);
          for (let i = 1; i < firstRows.length; i++) firstRows[i]! += firstRows[i - 1]!;
          const codes = randomBytes(firstRows.at(-1)! * codeBytes, from);
          const bytesOf = (first: number, end: number) => [first * codeBytes, end * codeBytes] as const;
          const expected = Array.from(firstRows.subarray(1), (end, i) =>
            Buffer.from(packed(codes.subarray(...bytesOf(firstRows[i]!, end)), codeBytes)),
          );
          const whole = new Uint8Array(codes.length);
          for (const range of codePages(firstRows).flatMap((page) => codeRanges(page, firstRows)))
            packPartitions(
              codes.subarray(range.first * codeBytes),
              codeBytes,
              range,
              firstRows,
              whole.subarray(...bytesOf(range.first, range.end)),
            );
          expect(Buffer.concat(expected).equals(whole)).toBe(true);
        },
      ),
    );
  });
});

/** Reads codes as LanceDB's search does: byte j of a group of 32 holds halves of two rows. */
function unpack(packed: Uint8Array, codeBytes: number): Uint8Array {
  const order = [0, 8, 1, 9, 2, 10, 3, 11, 4, 12, 5, 13, 6, 14, 7, 15];
  const rows = packed.length / codeBytes;
  const codes = new Uint8Array(packed.length);
  const groups = Math.floor(rows / 32);
  for (let group = 0; group < groups; group++)
    for (let column = 0; column < codeBytes; column++)
      for (let j = 0; j < 16; j++) {
        const at = group * 32 * codeBytes + column * 32 + j;
        const row = group * 32 + order[j]!;
        codes[row * codeBytes + column] = (packed[at]! & 15) | ((packed[at + 16]! & 15) << 4);
        codes[(row + 16) * codeBytes + column] = (packed[at]! >> 4) | (packed[at + 16]! & 0xf0);
      }
  const left = rows - groups * 32;
  for (let row = 0; row < left; row++)
    for (let column = 0; column < codeBytes; column++)
      codes[(groups * 32 + row) * codeBytes + column] = packed[groups * 32 * codeBytes + column * left + row]!;
  return codes;
}

function unit(vector: Float32Array): Float32Array {
  const length = Math.sqrt(vector.reduce((sum, x) => sum + x * x, 0));
  return vector.map((x) => x / length);
}

function dotDistance(a: Float32Array, b: Float32Array): number {
  return 1 - a.reduce((sum, x, i) => sum + x * b[i]!, 0);
}

function squaredDistance(a: Float32Array, b: Float32Array): number {
  return a.reduce((sum, x, i) => sum + (x - b[i]!) ** 2, 0);
}
