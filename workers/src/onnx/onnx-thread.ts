import { WorkerThread } from '../base/threads/worker-thread.ts';
import type { Feeds, LoadRequest, OnnxMethods } from './onnx-worker.ts';

/** A graph that is loaded in a separate thread, because ONNX Runtime blocks its caller. */
export class OnnxThread {
  readonly #thread = new WorkerThread<OnnxMethods>(new URL('./onnx-worker.ts', import.meta.url), {
    name: 'onnx',
    runsNativeCode: true,
  });
  /** Resolves when the graph is loaded. */
  readonly loaded: Promise<void>;

  constructor(request: LoadRequest) {
    this.loaded = this.#thread.call('load', request);
  }

  /** Runs the graph once; the buffers of the feeds are transferred. Concurrent calls run one after the other. */
  run(feeds: Feeds): Promise<Record<string, Float32Array>> {
    const transfer = Object.values(feeds).map(({ data }) => data.buffer as ArrayBuffer);
    return this.#thread.call('run', feeds, { transfer });
  }

  /** Ends the thread when its runs are done. */
  close(): Promise<void> {
    return this.#thread.close();
  }
}
