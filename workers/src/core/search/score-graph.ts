import type { Metric } from '../metric.ts';
import { GraphBuilder } from '../onnx/graph-builder.ts';
import type { OnnxModel } from '../onnx/model.ts';

/** Rows of a block are a multiple of this: odd widths take slower paths of the matrix product. */
export const BLOCK_ROW_MULTIPLE = 256;

/**
 * A graph that gives the nearest rows of a block for each query.
 *
 * Inputs: `queries` [m, D] (unit length for cosine), `rows` [r, D], `penalty` [r] (0, or +inf for rows that only
 * fill the block up), `limit` [1] (rows to give a query, at most r).
 * Output: `positions` int32 [m, limit] in the block, nearest first.
 */
export function nearestGraph(dimension: number, metric: Metric): OnnxModel {
  const graph = new GraphBuilder();
  const limit = graph.input('limit', 'int64', [1]);
  const { distances } = distanceNodes(graph, dimension, metric);
  const [, positions] = graph.ops('TopK', [distances, limit], 2, { axis: { int: 1 }, largest: { int: 0 } });
  graph.output('positions', graph.op('Cast', [positions!], { to: { int: 6 } }), 'int32', ['m', 'limit']);
  return graph.model();
}

/**
 * Like `nearestGraph`, but gives all `distances` [m, r]: 1 - cosine, 1 - inner product, or |row|^2 - 2 inner product for
 * l2 (the query's own square is the same for all rows and is left out), as exact as float32 products are: see
 * `productError`. And, but for cosine, `longest` [1]: the square of the longest row.
 */
export function distanceGraph(dimension: number, metric: Metric): OnnxModel {
  const graph = new GraphBuilder();
  const { distances, longest } = distanceNodes(graph, dimension, metric);
  graph.output('distances', distances, 'float32', ['m', 'r']);
  if (longest !== undefined) graph.output('longest', longest, 'float32', [1]);
  return graph.model();
}

function distanceNodes(graph: GraphBuilder, dimension: number, metric: Metric) {
  const queries = graph.input('queries', 'float32', ['m', dimension]);
  const rows = graph.input('rows', 'float32', ['r', dimension]);
  const penalty = graph.input('penalty', 'float32', ['r']);
  const axis = graph.integers([1]);
  const minus = { transB: { int: 1 }, alpha: { float: metric === 'l2' ? -2 : -1 } };
  if (metric === 'cosine') {
    const unit = graph.op('Div', [rows, graph.op('ReduceL2', [rows, axis], { keepdims: { int: 1 } })]);
    const base = graph.op('Add', [penalty, graph.floats('one', 1)]);
    return { distances: graph.op('Gemm', [queries, unit, base], minus), longest: undefined };
  }
  const squares = graph.op('ReduceSumSquare', [rows, axis], { keepdims: { int: 0 } });
  const longest = graph.op('ReduceMax', [squares], { keepdims: { int: 1 } });
  const base = graph.op('Add', [penalty, metric === 'l2' ? squares : graph.floats('one', 1)]);
  return { distances: graph.op('Gemm', [queries, rows, base], minus), longest };
}
