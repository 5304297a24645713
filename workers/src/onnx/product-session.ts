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

export { Tensor } from 'onnxruntime-node';
