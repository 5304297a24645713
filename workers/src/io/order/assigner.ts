import * as ort from 'onnxruntime-node';
import { type Centroids, isSpherical } from '../../core/kmeans.ts';
import type { Metric } from '../../core/metric.ts';
import { GraphBuilder } from '../../core/onnx/graph-builder.ts';
import { encodeModel, type OnnxModel } from '../../core/onnx/model.ts';

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
 * The centroid with the largest x.c - |c|^2 / 2, which is the nearest one; for unit centroids the second term is
 * the same for all, and the length of x does not matter.
 */
export async function createAssigner({ count, dimension, vectors }: Centroids, metric: Metric): Promise<Assigner> {
  const bias = isSpherical(metric) ? new Float32Array(count) : halfSquares(vectors, dimension);
  const session = await ort.InferenceSession.create(encodeModel(assignGraph(dimension)), {
    enableMemPattern: false,
    logSeverityLevel: 3,
  });
  const constants = {
    centroids: new ort.Tensor('float32', vectors, [count, dimension]),
    bias: new ort.Tensor('float32', bias, [count]),
  };
  const tileRows = Math.max(64, Math.min(LARGEST_TILE, Math.floor(SCORE_BYTES / 4 / count)));
  return {
    async assign(rowVectors, rows, into) {
      for (let at = 0; at < rows; at += tileRows) {
        const tile = rowVectors.subarray(at * dimension, Math.min(rows, at + tileRows) * dimension);
        const { nearest } = await session.run({
          ...constants,
          rows: new ort.Tensor('float32', tile, [tile.length / dimension, dimension]),
        });
        into.set(nearest!.data as Int32Array, at);
      }
    },
    close: () => session.release(),
  };
}

function assignGraph(dimension: number): OnnxModel {
  const graph = new GraphBuilder();
  const rows = graph.input('rows', 'float32', ['r', dimension]);
  const centroids = graph.input('centroids', 'float32', ['c', dimension]);
  const bias = graph.input('bias', 'float32', ['c']);
  const scores = graph.op('Gemm', [rows, centroids, bias], { transB: { int: 1 }, beta: { float: -1 } });
  const nearest = graph.op('ArgMax', [scores], { axis: { int: 1 }, keepdims: { int: 0 } });
  graph.output('nearest', graph.op('Cast', [nearest], { to: { int: 6 } }), 'int32', ['r']);
  return graph.model();
}

function halfSquares(vectors: Float32Array, dimension: number): Float32Array {
  const halves = new Float32Array(vectors.length / dimension);
  for (let at = 0; at < vectors.length; at++) halves[Math.floor(at / dimension)]! += (vectors[at]! * vectors[at]!) / 2;
  return halves;
}
