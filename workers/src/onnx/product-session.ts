import { availableParallelism } from 'node:os';
import * as ort from 'onnxruntime-node';
import { encodeModel, type OnnxModel } from './model.ts';

/**
 * Loads a graph of matrix products that this thread feeds block by block. The threads of an operator wait asleep: what they
 * would burn between two blocks costs more than they take to wake.
 * @param threads of one operator
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

export { Tensor } from 'onnxruntime-node';
