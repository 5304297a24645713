import { parentPort, workerData } from 'node:worker_threads';
import * as ort from 'onnxruntime-node';

/** A tensor as threads hand it to each other. */
export type PlainTensor =
  | { type: 'float32'; data: Float32Array; dims: readonly number[] }
  | { type: 'int32'; data: Int32Array; dims: readonly number[] }
  | { type: 'int64'; data: BigInt64Array; dims: readonly number[] };

export type Feeds = Record<string, PlainTensor>;

/** What a thread is started with. */
export interface OnnxThreadData {
  model: Uint8Array;
  options: ort.InferenceSession.SessionOptions;
}

/** A run, or the end of work. */
export type OnnxRequest = Feeds | 'end';

/** The answer to the loading and to each run, in their order. An output is float32. */
export type OnnxAnswer = { outputs: Record<string, Float32Array> } | { error: unknown };

if (!parentPort) throw new Error('onnx-worker.ts is run in threads by onnx-thread.ts');
const port = parentPort;
const { model, options } = workerData as OnnxThreadData;
// Errors are thrown and told in our words; the runtime would print them as well.
ort.env.logLevel = 'fatal';

function answer(outputs: Record<string, Float32Array>): void {
  const buffers = Object.values(outputs).map(({ buffer }) => buffer as ArrayBuffer);
  port.postMessage({ outputs } satisfies OnnxAnswer, buffers);
}

function fail(error: unknown): void {
  port.postMessage({ error } satisfies OnnxAnswer);
}

async function end(session: ort.InferenceSession): Promise<void> {
  await session.release();
  port.close();
}

try {
  const session = await ort.InferenceSession.create(model, options);
  const run = async (feeds: Feeds) => {
    try {
      const tensors = Object.entries(feeds).map(([name, { type, data, dims }]) => [
        name,
        new ort.Tensor(type as 'float32', data as Float32Array, dims),
      ]);
      const outputs = Object.entries(await session.run(Object.fromEntries(tensors)));
      // Copied: the runtime's own memory cannot be handed over.
      answer(Object.fromEntries(outputs.map(([name, { data }]) => [name, Float32Array.from(data as Float32Array)])));
    } catch (error) {
      fail(error);
    }
  };
  let last: Promise<void> = Promise.resolve();
  port.on('message', (request: OnnxRequest) => {
    last = last.then(() => (request === 'end' ? end(session) : run(request)));
  });
  answer({});
} catch (error) {
  fail(error);
}
