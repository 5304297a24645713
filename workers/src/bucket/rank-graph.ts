import { GraphBuilder, type Value } from '../onnx/graph-builder.ts';
import type { OnnxModel } from '../onnx/model.ts';
import type { Metric } from '../vectors/metric.ts';

/** Row counts are padded to a multiple of this, because other widths take slower paths of the matrix product. */
export const ROW_MULTIPLE = 256;

/**
 * Builds a graph that ranks rows for each query.
 *
 * Inputs: `queries` [m, D] (unit length for cosine), `rows` [r, D], `penalty` [r] (0, or +inf for padding
 * rows), `limit` [1] (rows per query, at most r).
 * Output: `positions` int32 [m, limit] of the nearest rows, nearest first.
 */
export function rankGraph(dimension: number, metric: Metric): OnnxModel {
  const graph = new GraphBuilder();
  const limit = graph.input('limit', 'int64', [1]);
  const distances = distanceNode(graph, dimension, metric);
  const [, positions] = graph.ops('TopK', [distances, limit], 2, { axis: { int: 1 }, largest: { int: 0 } });
  graph.output('positions', graph.op('Cast', [positions!], { to: { int: 6 } }), 'int32', ['m', 'limit']);
  return graph.model();
}

/**
 * Adds the distances [m, r], without terms that are the same for all rows: 1 - cosine; for dot, minus the inner product; for l2,
 * |row|^2 - 2 inner product.
 */
function distanceNode(graph: GraphBuilder, dimension: number, metric: Metric): Value {
  const queries = graph.input('queries', 'float32', ['m', dimension]);
  const rows = graph.input('rows', 'float32', ['r', dimension]);
  const penalty = graph.input('penalty', 'float32', ['r']);
  const axis = graph.integers([1]);
  const minus = { transB: { int: 1 }, alpha: { float: metric === 'l2' ? -2 : -1 } };
  if (metric === 'cosine') {
    const lengths = graph.op('ReduceL2', [rows, axis], { keepdims: { int: 1 } });
    // A centroid of opposite rows can be zero. It has no direction, and must not become NaN.
    const unit = graph.op('Div', [rows, graph.op('Max', [lengths, graph.floats('least', 2 ** -126)])]);
    const base = graph.op('Add', [penalty, graph.floats('one', 1)]);
    return graph.op('Gemm', [queries, unit, base], minus);
  }
  // Omits the 1 of the dot distance, next to which products of short vectors would lose their precision.
  if (metric === 'dot') return graph.op('Gemm', [queries, rows, penalty], minus);
  const squares = graph.op('ReduceSumSquare', [rows, axis], { keepdims: { int: 0 } });
  return graph.op('Gemm', [queries, rows, graph.op('Add', [penalty, squares])], minus);
}
