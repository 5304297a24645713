import * as ort from 'onnxruntime-node';
import { type Centroids, isSpherical } from '../../core/kmeans.ts';
import type { Metric } from '../../core/metric.ts';
import { GraphBuilder } from '../../core/onnx/graph-builder.ts';
import type { OnnxModel } from '../../core/onnx/model.ts';
import { type QuantizedColumns, quantizeColumns } from '../../core/quantize.ts';
import { createProductSession } from '../product-session.ts';

/** Room for the scores of one product. */
const SCORE_BYTES = 32 * 2 ** 20;
const LARGEST_TILE = 4096;

/** Finds the nearest centroid of rows, by matrix products. */
export interface Assigner {
  /** @param vectors [rows, D] @param into the centroid of each row */
  assign(vectors: Float32Array, rows: number, into: Int32Array): Promise<void>;
  close(): Promise<void>;
}

/**
 * The nearest centroid is the one with the largest x.c - |c|^2 / 2; for unit centroids the second term is the same for
 * all, and the length of x does not matter. Products are of 8-bit numbers, several times faster than of float32: a row
 * between two centroids may go to the other, which costs nothing. For precision, what rows and centroids have in common
 * (the mean centroid m) is left out: (x - m).(c - m) = x.c - m.c + a term that is the same for all c.
 */
export async function createAssigner(centroids: Centroids, metric: Metric): Promise<Assigner> {
  const { count, dimension, vectors } = centroids;
  const mean = meanRow(centroids);
  const centred = vectors.map((value, i) => value - mean[i % dimension]!);
  const bias = new Float32Array(count);
  for (let i = 0; i < vectors.length; i++) {
    const centroid = Math.floor(i / dimension);
    const own = isSpherical(metric) ? 0 : (vectors[i]! * vectors[i]!) / 2;
    bias[centroid]! += mean[i % dimension]! * centred[i]! - own;
  }
  const session = await createProductSession(assignGraph(dimension, mean, quantizeColumns(centred, dimension), bias));
  const tileRows = Math.max(64, Math.min(LARGEST_TILE, Math.floor(SCORE_BYTES / 4 / count)));
  return {
    async assign(rowVectors, rows, into) {
      for (let at = 0; at < rows; at += tileRows) {
        const tile = rowVectors.subarray(at * dimension, Math.min(rows, at + tileRows) * dimension);
        const { nearest } = await session.run({
          rows: new ort.Tensor('float32', tile, [tile.length / dimension, dimension]),
        });
        into.set(nearest!.data as Int32Array, at);
      }
    },
    close: () => session.release(),
  };
}

function assignGraph(
  dimension: number,
  mean: Float32Array,
  centroids: QuantizedColumns,
  bias: Float32Array,
): OnnxModel {
  const graph = new GraphBuilder();
  const count = bias.length;
  const rows = graph.input('rows', 'float32', ['r', dimension]);
  const centred = graph.op('Sub', [rows, graph.floats('mean', mean, [dimension])]);
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
  return graph.model();
}

function meanRow({ count, dimension, vectors }: Centroids): Float32Array {
  const mean = new Float32Array(dimension);
  for (let i = 0; i < vectors.length; i++) mean[i % dimension]! += vectors[i]! / count;
  return mean;
}
