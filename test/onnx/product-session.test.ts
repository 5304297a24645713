import { describe, expect, it } from 'vitest';
import { GraphBuilder } from '../../workers/src/onnx/graph-builder.ts';
import { createProductSession, runInto, Tensor } from '../../workers/src/onnx/product-session.ts';

const SIZE = 512;

describe('runInto', () => {
  it('writes products in place, and keeps no copy of them', async () => {
    const graph = new GraphBuilder();
    const [a, b] = [graph.input('a', 'float32', ['n', 'k']), graph.input('b', 'float32', ['k', 'm'])];
    graph.output('products', graph.op('MatMul', [a, b]), 'float32', ['n', 'm']);
    const session = await createProductSession(graph.model(), 1);
    const rows = Float32Array.from({ length: SIZE * SIZE }, (_, i) => i % 7);
    const identity = new Float32Array(SIZE * SIZE);
    for (let i = 0; i < SIZE; i++) identity[i * SIZE + i] = 1;
    const products = new Float32Array(new SharedArrayBuffer(4 * SIZE * SIZE));
    const run = () =>
      runInto(
        session,
        { a: new Tensor('float32', rows, [SIZE, SIZE]), b: new Tensor('float32', identity, [SIZE, SIZE]) },
        { products: new Tensor('float32', products, [SIZE, SIZE]) },
      );
    await run();
    expect(products).toEqual(rows);
    const { arrayBuffers } = process.memoryUsage();
    for (let i = 0; i < 8; i++) await run();
    expect(process.memoryUsage().arrayBuffers - arrayBuffers).toBeLessThan(products.byteLength);
    await session.release();
  });
});
