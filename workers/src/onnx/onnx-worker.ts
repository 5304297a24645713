import * as ort from 'onnxruntime-node';
import { serveRequests } from '../base/threads/serve-requests.ts';
import { WithTransfer } from '../base/threads/thread-messages.ts';

/** A tensor that can be sent to a thread. */
export type PlainTensor =
  | { type: 'float32'; data: Float32Array; dims: readonly number[] }
  | { type: 'int32'; data: Int32Array; dims: readonly number[] }
  | { type: 'int64'; data: BigInt64Array; dims: readonly number[] };

/** Inputs of a graph, by name. */
export type Feeds = Record<string, PlainTensor>;

export interface LoadRequest {
  model: Uint8Array;
  options: ort.InferenceSession.SessionOptions;
}

// Errors are thrown and reported by the caller; the runtime would print them as well.
ort.env.logLevel = 'fatal';

let session: ort.InferenceSession | undefined;

const methods = {
  async load({ model, options }: LoadRequest): Promise<void> {
    session = await ort.InferenceSession.create(model, options);
  },

  /** Runs the graph once. Outputs are float32. */
  async run(feeds: Feeds) {
    if (!session) throw new Error('no graph is loaded');
    const tensors = Object.entries(feeds).map(([name, { type, data, dims }]) => [
      name,
      new ort.Tensor(type as 'float32', data as Float32Array, dims),
    ]);
    const outputs: Record<string, Float32Array<ArrayBuffer>> = {};
    // Copied, because the runtime's memory cannot be transferred.
    for (const [name, { data }] of Object.entries(await session.run(Object.fromEntries(tensors))))
      outputs[name] = Float32Array.from(data as Float32Array);
    return new WithTransfer(
      outputs,
      Object.values(outputs).map(({ buffer }) => buffer),
    );
  },
};

export type OnnxMethods = typeof methods;

serveRequests(methods, { onClose: () => session?.release() });
