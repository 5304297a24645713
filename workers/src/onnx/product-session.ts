import { availableParallelism } from 'node:os';
import * as ort from 'onnxruntime-node';
import { encodeModel, type OnnxModel } from './model.ts';

/**
 * Loads a graph of matrix products that this thread runs block by block. Operator threads sleep while they wait, because spinning between
 * blocks costs more than waking up.
 * @param threads threads of one operator
 */
export function createProductSession(
  model: OnnxModel,
  threads: number = availableParallelism(),
): Promise<ort.InferenceSession> {
  return ort.InferenceSession.create(encodeModel(model), {
    enableMemPattern: false,
    logSeverityLevel: 3,
    intraOpNumThreads: threads,
    extra: { session: { intra_op: { allow_spinning: '0' } } },
  });
}

/**
 * Runs a session that writes its outputs into tensors, in place. The binding also returns a copy of each output. Its memory is released
 * here: left to the garbage collector, megabytes a call take longer than the products.
 */
export async function runInto(
  session: ort.InferenceSession,
  feeds: Record<string, ort.Tensor>,
  outputs: Record<string, ort.Tensor>,
): Promise<void> {
  for (const [name, copy] of Object.entries(await session.run(feeds, outputs))) {
    const { buffer } = copy.data as Float32Array;
    if (buffer instanceof ArrayBuffer && buffer !== (outputs[name]!.data as Float32Array).buffer) buffer.transfer(0);
  }
}

export { Tensor } from 'onnxruntime-node';
