import { GraphBuilder, type Value } from '../../../onnx/graph-builder.ts';
import { createProductSession, runInto, Tensor } from '../../../onnx/product-session.ts';
import { LARGEST_CODE } from '../../../vectors/quantize.ts';

/** Products of rows and queries by one thread. */
export interface Products<Rows, Queries, Values> {
  /** @param rows [n, D] @param queries [m, D] @param into [n, m] */
  run(rows: Rows, queries: Queries, into: Values): Promise<void>;
  close(): Promise<void>;
}

export type FloatProducts = Products<Float32Array, Float32Array, Float32Array>;
/** Products of 8-bit codes: several times faster than of float32, and exact. 128 represents 0 in rows. */
export type CodeProducts = Products<Uint8Array, Int8Array, Int32Array>;

export function createFloatProducts(dimension: number): Promise<FloatProducts> {
  return createProducts(dimension, ['float32', 'float32', 'float32'], (graph, rows, columns) =>
    graph.op('MatMul', [rows, columns]),
  );
}

/** ONNX Runtime is fastest where the first factor is unsigned and the second is signed. */
export function createCodeProducts(dimension: number): Promise<CodeProducts> {
  return createProducts(dimension, ['uint8', 'int8', 'int32'], (graph, rows, columns) => {
    const zero = graph.initializer({ name: 'zero', type: 'uint8', shape: [], data: Uint8Array.of(128) });
    return graph.op('MatMulInteger', [rows, columns, zero]);
  });
}

/** Products of codes, and the largest code of a query with which they are exact. */
export interface LoadedCodeProducts {
  products: CodeProducts;
  largestCode: number;
}

export async function loadCodeProducts(dimension: number): Promise<LoadedCodeProducts> {
  const products = await createCodeProducts(dimension);
  return { products, largestCode: await largestQueryCode(products, dimension) };
}

/** Rows are the first factor: ONNX Runtime reorders the second, and there are fewer queries. */
async function createProducts<Rows extends Numbers, Queries extends Numbers, Values extends Numbers>(
  dimension: number,
  [rowType, queryType, valueType]: readonly [NumberType, NumberType, NumberType],
  multiply: (graph: GraphBuilder, rows: Value, columns: Value) => Value,
): Promise<Products<Rows, Queries, Values>> {
  const graph = new GraphBuilder();
  const rows = graph.input('rows', rowType, ['n', dimension]);
  const queries = graph.input('queries', queryType, ['m', dimension]);
  const columns = graph.op('Transpose', [queries], { perm: { ints: [1, 0] } });
  graph.output('products', multiply(graph, rows, columns), valueType, ['n', 'm']);
  const session = await createProductSession(graph.model(), 1);
  return {
    async run(ofRows, ofQueries, into) {
      const [n, m] = [ofRows.length / dimension, ofQueries.length / dimension];
      const feeds = {
        rows: new Tensor(rowType, ofRows, [n, dimension]),
        queries: new Tensor(queryType, ofQueries, [m, dimension]),
      };
      await runInto(session, feeds, { products: new Tensor(valueType, into, [n, m]) });
    },
    close: () => session.release(),
  };
}

type NumberType = 'float32' | 'uint8' | 'int8' | 'int32';
type Numbers = Float32Array | Uint8Array | Int8Array | Int32Array;

/** The largest signed byte whose negative is a signed byte. */
const FULL = 127;
/** Rows of a trial: ONNX Runtime multiplies a single one by another kernel. */
const TRIAL_ROWS = [32, 1];
const TRIAL_QUERIES = 32;

/**
 * Finds the largest code of a query with which products are exact on this processor, by a trial with the largest values. It is
 * LARGEST_CODE where the processor adds pairs of products in 16 bits.
 */
export async function largestQueryCode(products: CodeProducts, dimension: number): Promise<number> {
  const queries = new Int8Array(TRIAL_QUERIES * dimension).fill(FULL);
  for (const n of TRIAL_ROWS) {
    const values = new Int32Array(n * TRIAL_QUERIES);
    await products.run(new Uint8Array(n * dimension).fill(255), queries, values);
    if (values.some((value) => value !== 127 * FULL * dimension)) return LARGEST_CODE;
  }
  return FULL;
}
