import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../../workers/src/base/random.ts';
import {
  BLOCK_COLUMNS,
  consecutive,
  cutIntoBlocks,
  encodeColumns,
  halfSquares,
} from '../../../workers/src/ingest/assign/column-blocks.ts';
import { LARGEST_CODE } from '../../../workers/src/vectors/quantize.ts';
import { isExactEverywhere } from '../../support/byte-product.ts';

describe('encodeColumns', () => {
  const [count, dimension, columns] = [9, 33, 16];
  const random = seededRandom(1);
  const vectors = Float32Array.from({ length: count * dimension }, (_, i) => (i < dimension ? 7 : random() ** 9 - 0.1));
  const biases = halfSquares(vectors, dimension);
  const { codes, terms, starts } = encodeColumns({ vectors, dimension, biases }, [consecutive(count)]);

  it('makes products that are exact on every processor', () => {
    expect(Math.max(...codes)).toBe(LARGEST_CODE);
    for (let column = 0; column < columns; column++)
      expect(isExactEverywhere(codes, column, dimension, columns)).toBe(true);
  });

  it('rounds each component to the nearest step of its column', () => {
    const scales = new Float32Array(terms.buffer, 0, columns);
    for (let centroid = 0; centroid < count; centroid++)
      for (let i = 0; i < dimension; i++) {
        const error = vectors[centroid * dimension + i]! - codes[i * columns + centroid]! * scales[centroid]!;
        expect(Math.abs(error)).toBeLessThanOrEqual(scales[centroid]! * 0.5001);
      }
  });

  it('fills up blocks with columns that are nobody’s nearest', () => {
    expect([...starts]).toEqual([0, columns]);
    const encoded = new Float32Array(terms.buffer, 4 * columns, columns);
    expect(encoded.subarray(0, count)).toEqual(biases);
    expect(encoded.subarray(count).every(Number.isNaN)).toBe(true);
  });
});

describe('cutIntoBlocks', () => {
  it('has each centroid once, in order, in blocks that one product takes', () => {
    for (const count of [0, 1, 16, BLOCK_COLUMNS, BLOCK_COLUMNS + 1, 5 * BLOCK_COLUMNS - 3]) {
      const blocks = cutIntoBlocks(consecutive(count));
      expect(blocks.flatMap((block) => [...block])).toEqual([...consecutive(count)]);
      for (const { length } of blocks) expect(length).toBeLessThanOrEqual(BLOCK_COLUMNS);
    }
  });
});
