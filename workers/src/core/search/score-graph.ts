import type { Metric } from '../metric.ts';
import { GraphBuilder } from '../onnx/graph-builder.ts';
import type { OnnxModel } from '../onnx/model.ts';

/**
 * Rows of a block are a multiple of this. The matrix product of ONNX Runtime then gives each query and row the same
 * bits whatever else is in the block, however many threads compute it: so answers do not depend on how a table was
 * cut (measured; smaller or odd widths take other code paths).
 */
export const BLOCK_ROW_MULTIPLE = 256;

/**
 * A graph that gives the nearest rows of a block for each query.
 *
 * Inputs: `queries` [m, D] (unit length for cosine), `rows` [r, D], `penalty` [r] (0, or +inf for rows that only
 * fill the block up), `limit` [1] (rows to give a query, at most r).
 * Outputs: `distances` [m, limit], ascending, and `positions` int32 [m, limit] in the block; of equal distances the lower
 * position comes first. Distances are 1 - cosine, 1 - inner product, or |row|^2 - 2 inner product for l2 (the query's own
 * square is the same for all rows and is left out).
 */
export function nearestGraph(dimension: number, metric: Metric): OnnxModel {
  const graph = new GraphBuilder();
  const limit = graph.input('limit', 'int64', [1]);
  const distances = distanceNodes(graph, dimension, metric);
  const [nearest, positions] = graph.ops('TopK', [distances, limit], 2, { axis: { int: 1 }, largest: { int: 0 } });
  graph.output('distances', nearest!, 'float32', ['m', 'limit']);
  graph.output('positions', graph.op('Cast', [positions!], { to: { int: 6 } }), 'int32', ['m', 'limit']);
  return graph.model();
}

/** Like `nearestGraph`, but gives all distances [m, r]. */
export function distanceGraph(dimension: number, metric: Metric): OnnxModel {
  const graph = new GraphBuilder();
  graph.output('distances', distanceNodes(graph, dimension, metric), 'float32', ['m', 'r']);
  return graph.model();
}

function distanceNodes(graph: GraphBuilder, dimension: number, metric: Metric) {
  const queries = graph.input('queries', 'float32', ['m', dimension]);
  const rows = graph.input('rows', 'float32', ['r', dimension]);
  const penalty = graph.input('penalty', 'float32', ['r']);
  const axis = graph.integers([1]);
  const flat = { keepdims: { int: 0 } };
  if (metric === 'l2') {
    const base = graph.op('Add', [graph.op('ReduceSumSquare', [rows, axis], flat), penalty]);
    return graph.op('Gemm', [queries, rows, base], { transB: { int: 1 }, alpha: { float: -2 } });
  }
  const base = graph.op('Add', [penalty, graph.floats('one', 1)]);
  const lengths = metric === 'cosine' ? graph.op('ReduceL2', [rows, axis], { keepdims: { int: 1 } }) : undefined;
  const scaled = lengths === undefined ? rows : graph.op('Div', [rows, lengths]);
  return graph.op('Gemm', [queries, scaled, base], { transB: { int: 1 }, alpha: { float: -1 } });
}
