import { GraphBuilder, type Value } from '../onnx/graph-builder.ts';
import type { OnnxModel } from '../onnx/model.ts';
import { createProductSession, Tensor } from '../onnx/product-session.ts';
import { commonCentre } from '../vectors/centre.ts';
import { type Centroids, isSpherical } from '../vectors/kmeans.ts';
import type { Metric } from '../vectors/metric.ts';
import { type QuantizedColumns, quantizeColumns } from '../vectors/quantize.ts';
import { rowsOfScales } from './row-scales.ts';

/** Room for the scores of one product. */
const SCORE_BYTES = 32 * 2 ** 20;
/** Rows and their scores stay in a core's cache. */
const LARGEST_TILE = 512;

/** Finds the nearest centroid of rows, by matrix products. */
export interface Assigner {
  /** @param vectors [rows, D] @param into the centroid of each row */
  assign(vectors: Float32Array, rows: number, into: Int32Array): Promise<void>;
  close(): Promise<void>;
}

/**
 * The nearest centroid c of a row x is the one with the largest y.d - |d|^2 / 2, where y = x - m and d = c - m, whatever m:
 * what the centroids have in common takes up no digits. Unless under l2, rows are scaled to unit length first. Products are of 8-bit
 * numbers, several times faster than of float32: a row between two centroids may go to the other, which costs nothing.
 * Each centroid has a scale of its own. Rows of a product share one, so rows for which it is too coarse are assigned once more
 * among rows of their own scale.
 */
export async function createAssigner(centroids: Centroids, metric: Metric): Promise<Assigner> {
  const { count, dimension, vectors } = centroids;
  const unit = isSpherical(metric);
  const centre = commonCentre(centroids);
  const centred = vectors.map((value, i) => value - centre[i % dimension]!);
  const graph = assignGraph(dimension, unit, centre, quantizeColumns(centred, dimension), halfSquares(centred, count));
  const session = await createProductSession(graph);
  const tileRows = Math.max(64, Math.min(LARGEST_TILE, Math.floor(SCORE_BYTES / 4 / count)));
  const run = async (rows: Float32Array) => {
    const { nearest, lengths, step } = await session.run({
      rows: new Tensor('float32', rows, [rows.length / dimension, dimension]),
    });
    return {
      nearest: nearest!.data as Int32Array,
      lengths: lengths!.data as Float32Array,
      step: (step!.data as Float32Array)[0]!,
    };
  };
  return {
    async assign(rowVectors, rows, into) {
      for (let at = 0; at < rows; at += tileRows) {
        const tile = rowVectors.subarray(at * dimension, Math.min(rows, at + tileRows) * dimension);
        const { nearest, lengths, step } = await run(tile);
        into.set(nearest, at);
        for (const group of rowsOfScales(tile, centre, unit, lengths, step)) {
          const own = new Float32Array(group.length * dimension);
          for (const [i, row] of group.entries())
            own.set(tile.subarray(row * dimension, (row + 1) * dimension), i * dimension);
          const again = await run(own);
          for (const [i, row] of group.entries()) into[at + row] = again.nearest[i]!;
        }
      }
    },
    close: () => session.release(),
  };
}

/** Outputs: the `nearest` centroid of each row, the `lengths` of y, and the `step` of the rows' codes. */
function assignGraph(
  dimension: number,
  unit: boolean,
  centre: Float32Array,
  centroids: QuantizedColumns,
  bias: Float32Array,
): OnnxModel {
  const graph = new GraphBuilder();
  const count = bias.length;
  const rows = graph.input('rows', 'float32', ['r', dimension]);
  const scaled = unit ? toUnit(graph, rows, dimension) : rows;
  const centred = graph.op('Sub', [scaled, graph.floats('centre', centre, [dimension])]);
  const [codes, scale, zero] = graph.ops('DynamicQuantizeLinear', [centred], 3);
  const weights = graph.initializer({
    name: 'centroids',
    type: 'int8',
    shape: [dimension, count],
    data: centroids.codes,
  });
  const scales = graph.floats('scales', centroids.scales, [count]);
  const scores = graph.op(
    'MatMulIntegerToFloat',
    [codes!, weights, scale!, scales, zero!, '', graph.floats('bias', bias, [count])],
    {},
    'com.microsoft',
  );
  const nearest = graph.op('ArgMax', [scores], { axis: { int: 1 }, keepdims: { int: 0 } });
  graph.output('nearest', graph.op('Cast', [nearest], { to: { int: 6 } }), 'int32', ['r']);
  const axis = graph.integers([1]);
  graph.output('lengths', graph.op('ReduceL2', [centred, axis], { keepdims: { int: 0 } }), 'float32', ['r']);
  graph.output('step', scale!, 'float32', []);
  return graph.model();
}

/** The smallest number with all digits: a row of zeros must not become one of NaN. */
const LEAST_SQUARE = 2 ** -126;

/** One pass: x / sqrt(mean of squares) / sqrt(D). */
function toUnit(graph: GraphBuilder, rows: Value, dimension: number): Value {
  const gain = new Float32Array(dimension).fill(1 / Math.sqrt(dimension));
  return graph.op('SimplifiedLayerNormalization', [rows, graph.floats('gain', gain, [dimension])], {
    axis: { int: -1 },
    epsilon: { float: LEAST_SQUARE },
  });
}

/** -|d|^2 / 2 of each centroid. */
function halfSquares(centred: Float32Array, count: number): Float32Array {
  const sums = new Float64Array(count);
  const dimension = centred.length / count;
  for (let i = 0; i < centred.length; i++) sums[Math.floor(i / dimension)]! -= centred[i]! ** 2 / 2;
  return Float32Array.from(sums);
}
