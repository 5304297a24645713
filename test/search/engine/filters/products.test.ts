import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../../../workers/src/base/random.ts';
import { instantiateKernels } from '../../../../workers/src/search/engine/block-scorer.ts';
import { kernelModule } from '../../../../workers/src/search/engine/filters/kernels.ts';
import {
  type CodeProducts,
  createCodeProducts,
  largestQueryCode,
} from '../../../../workers/src/search/engine/filters/products.ts';
import { allocateCodeBuffers, codeQueries } from '../../../../workers/src/search/engine/filters/query-codes.ts';
import { LARGEST_CODE } from '../../../../workers/src/vectors/quantize.ts';
import { byteProduct, isExactEverywhere, PROCESSORS, type Processor } from '../../../support/byte-product.ts';

describe('largestQueryCode', () => {
  it('is the largest code that this processor multiplies exactly, in products of any shape', async () => {
    const dimension = 960;
    const products = await createCodeProducts(dimension);
    const largest = await largestQueryCode(products, dimension);
    for (const [n, m] of [
      [1, 16],
      [3, 48],
      [700, 32],
      [1024, 512],
    ] as const) {
      const rows = Uint8Array.from({ length: n * dimension }, (_, i) => (i % 3 === 0 ? 1 : 255));
      const queries = Int8Array.from({ length: m * dimension }, (_, i) => (i % 5 === 0 ? -largest : largest));
      const found = new Int32Array(n * m);
      await products.run(rows, queries, found);
      for (const pair of [0, m - 1, n * m - 1]) {
        const [row, query] = [Math.floor(pair / m), pair % m];
        let sum = 0;
        for (let i = 0; i < dimension; i++) sum += (rows[row * dimension + i]! - 128) * queries[query * dimension + i]!;
        expect(found[pair]).toBe(sum);
      }
    }
    await products.close();
  });

  it.each(PROCESSORS)('distinguishes processors, and is exact on them (%s)', async (processor) => {
    const dimension = 48;
    const largest = await largestQueryCode(emulatedProducts(processor, dimension), dimension);
    expect(largest).toBe(processor === 'inPairs' ? LARGEST_CODE : 127);
    const random = seededRandom(1);
    const vectors = Float32Array.from({ length: 3 * dimension }, () => random() ** 5 - 0.01);
    const codes = queryCodes(vectors, dimension, largest);
    expect(Math.max(...codes.subarray(0, 3 * dimension))).toBe(largest);
    for (let query = 0; query < 3; query++)
      expect(processor === 'in32Bits' || isExactEverywhere(codes, query * dimension, dimension, 1)).toBe(true);
  });

  it('recognizes a processor that adds in pairs only for single rows', async () => {
    const products = {
      run: (rows: Uint8Array, queries: Int8Array, into: Int32Array) =>
        emulatedProducts(rows.length === 16 ? 'inPairs' : 'in32Bits', 16).run(rows, queries, into),
      close: async () => {},
    };
    expect(await largestQueryCode(products, 16)).toBe(LARGEST_CODE);
  });
});

/** Products of codes as such a processor computes them. */
function emulatedProducts(processor: Processor, dimension: number): CodeProducts {
  return {
    async run(rows, queries, into) {
      const width = queries.length / dimension;
      for (let i = 0; i < into.length; i++) {
        const row = rows.subarray(Math.floor(i / width) * dimension).subarray(0, dimension);
        const query = queries.subarray((i % width) * dimension).subarray(0, dimension);
        // The zero point of rows is subtracted in 32 bits on every processor.
        into[i] = byteProduct(processor, row, query) - 128 * query.reduce((sum, code) => sum + code, 0);
      }
    },
    close: async () => {},
  };
}

/** Codes of queries, by the kernel that searches use. */
function queryCodes(vectors: Float32Array, dimension: number, largest: number): Int8Array {
  const memory = new WebAssembly.Memory({ initial: 2, maximum: 2, shared: true });
  let at = 1024;
  const take = (bytes: number) => {
    const from = at;
    at += Math.ceil(bytes / 64) * 64;
    return from;
  };
  const count = vectors.length / dimension;
  const queries = new Float32Array(memory.buffer, take(vectors.byteLength), vectors.length);
  queries.set(vectors);
  const kernels = instantiateKernels(new WebAssembly.Module(kernelModule()), memory);
  const room = allocateCodeBuffers(memory.buffer, take, count, dimension);
  const mean = new Float32Array(dimension);
  return codeQueries(kernels, { metric: 'dot', dimension, queries }, largest, mean, count, (i) => i, room).codes;
}
