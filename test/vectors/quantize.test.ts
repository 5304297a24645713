import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { seededRandom } from '../../workers/src/base/random.ts';
import { fillRotation, quantizeMatrix, rotationSignBytes } from '../../workers/src/index/rotation.ts';
import { LARGEST_CODE } from '../../workers/src/vectors/quantize.ts';
import { isExactEverywhere } from '../support/byte-product.ts';
import { ROOT } from '../support/run.ts';

test('codes up to the largest are exact on every processor, in any order; one more would not be', () => {
  expect(isExactEverywhere(new Int8Array(6).fill(LARGEST_CODE), 0, 6, 1)).toBe(true);
  expect(isExactEverywhere(new Int8Array(6).fill(-LARGEST_CODE), 0, 6, 1)).toBe(true);
  expect(isExactEverywhere(new Int8Array(6).fill(LARGEST_CODE + 2), 0, 6, 1)).toBe(false);
});

test('the rotation of an index is exact on every processor', () => {
  for (const dimension of [16, 24, 320]) {
    const random = seededRandom(dimension);
    const signs = Uint8Array.from({ length: rotationSignBytes(dimension) }, () => 256 * random());
    const rotation = new Float32Array(dimension * dimension);
    fillRotation(rotation, signs, { first: 0, end: dimension });
    const matrix = quantizeMatrix(rotation);
    for (let column = 0; column < dimension; column++)
      expect(isExactEverywhere(matrix, column, dimension, dimension)).toBe(true);
  }
});

test('nothing else multiplies bytes', async () => {
  const sources = join(ROOT, 'workers/src');
  const files = (await readdir(sources, { recursive: true })).filter((name) => name.endsWith('.ts'));
  const multiplying: string[] = [];
  for (const name of files)
    if (/'(MatMulInteger|DynamicQuantize|QLinear|QGemm|MatMulNBits)/.test(await readFile(join(sources, name), 'utf8')))
      multiplying.push(name);
  // A new one needs factors that are exact on every processor, and a test of them: here, or in products and layers.
  expect(multiplying.sort()).toEqual([
    'embed/transformer/layers.ts',
    'index/row-encoder.ts',
    'ingest/assign/column-products.ts',
    'search/engine/filters/products.ts',
  ]);
});
