import * as ort from 'onnxruntime-node';
import { GraphBuilder } from '../../core/onnx/graph-builder.ts';
import { encodeModel } from '../../core/onnx/model.ts';

/** Products of 8-bit codes: several times faster than of float32, and exact. */
export interface CodeProduct {
  /**
   * @param rows uint8 [n, D], 128 stands for 0 @param queries int8 [m, D]
   * @param into int32 [n, m]
   */
  run(rows: Uint8Array, queries: Int8Array, into: Int32Array): Promise<void>;
  close(): Promise<void>;
}

/** ONNX Runtime is quick where the first factor is unsigned and the second is not. */
export async function createCodeProduct(dimension: number): Promise<CodeProduct> {
  const graph = new GraphBuilder();
  const rows = graph.input('rows', 'uint8', ['n', dimension]);
  const queries = graph.input('queries', 'int8', ['m', dimension]);
  const columns = graph.op('Transpose', [queries], { perm: { ints: [1, 0] } });
  const zero = graph.initializer({ name: 'zero', type: 'uint8', shape: [], data: Uint8Array.of(128) });
  graph.output('products', graph.op('MatMulInteger', [rows, columns, zero]), 'int32', ['n', 'm']);
  const session = await ort.InferenceSession.create(encodeModel(graph.model()), {
    enableMemPattern: false,
    logSeverityLevel: 3,
    intraOpNumThreads: 1,
  });
  return {
    async run(rowCodes, queryCodes, into) {
      const [n, m] = [rowCodes.length / dimension, queryCodes.length / dimension];
      const feeds = {
        rows: new ort.Tensor('uint8', rowCodes, [n, dimension]),
        queries: new ort.Tensor('int8', queryCodes, [m, dimension]),
      };
      // Written in place: what is given as a result is where it goes.
      await session.run(feeds, { products: new ort.Tensor('int32', into, [n, m]) });
    },
    close: () => session.release(),
  };
}

/** Codes of queries are within +-127, or where the processor adds pairs of products in 16 bits, +-63. */
const FULL = 127;
const HALF = 63;

/** The largest code of a query with which products are exact on this processor: tried out, with the largest there can be. */
export async function largestQueryCode(dimension: number): Promise<number> {
  const product = await createCodeProduct(dimension);
  const [n, m] = [32, 32];
  const rows = new Uint8Array(n * dimension).fill(255);
  const queries = new Int8Array(m * dimension).fill(FULL);
  const products = new Int32Array(n * m);
  await product.run(rows, queries, products).finally(() => product.close());
  return products.every((value) => value === 127 * FULL * dimension) ? FULL : HALF;
}
