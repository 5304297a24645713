import * as ort from 'onnxruntime-node';
import { GraphBuilder } from '../workers/src/onnx/graph-builder.ts';
import { encodeModel } from '../workers/src/onnx/model.ts';
import type { BenchModel } from './embed-shapes.ts';

const ROWS = 512;
const PAIRS = 4;
const RUNS = 12;

/** Returns the floating-point operations a second of ONNX Runtime's float32 products of the model's sizes: the best of a few runs. */
export async function measureGemm({ dimension: hiddenSize, inner }: BenchModel, threads: number): Promise<number> {
  const graph = new GraphBuilder();
  let x = graph.input('x', 'float32', [ROWS, hiddenSize]);
  const wide = new Float32Array(inner * hiddenSize).map(() => 0.02 * (Math.random() - 0.5));
  for (let i = 0; i < PAIRS; i++) {
    const up = graph.floats(`up${i}`, wide, [inner, hiddenSize]);
    const down = graph.floats(`down${i}`, wide, [hiddenSize, inner]);
    x = graph.op('Gemm', [graph.op('Gemm', [x, up], { transB: { int: 1 } }), down], { transB: { int: 1 } });
  }
  graph.output('y', x, 'float32', [ROWS, hiddenSize]);
  const session = await ort.InferenceSession.create(encodeModel(graph.model()), { intraOpNumThreads: threads });
  const rows = new Float32Array(ROWS * hiddenSize).map(() => Math.random() - 0.5);
  const feeds = { x: new ort.Tensor('float32', rows, [ROWS, hiddenSize]) };
  let bestSeconds = Number.POSITIVE_INFINITY;
  for (let run = 0; run < RUNS; run++) {
    const startedMs = performance.now();
    await session.run(feeds);
    bestSeconds = Math.min(bestSeconds, (performance.now() - startedMs) / 1000);
  }
  await session.release();
  return (PAIRS * 2 * 2 * ROWS * hiddenSize * inner) / bestSeconds;
}
