import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { busyThreads } from '../base/native-threads.ts';
import type { Feeds, OnnxAnswer, OnnxRequest, OnnxThreadData } from './onnx-worker.ts';

type Outputs = Record<string, Float32Array>;

/** A graph loaded in a thread of its own: ONNX Runtime keeps its caller waiting, who has other things to do. */
export class OnnxThread {
  readonly #worker: Worker;
  readonly #waiting: PromiseWithResolvers<Outputs>[] = [];
  #failure: Error | undefined;
  /** Resolves when the graph is loaded. */
  readonly loaded: Promise<Outputs>;

  constructor(data: OnnxThreadData) {
    this.#worker = new Worker(new URL('./onnx-worker.ts', import.meta.url), { workerData: data });
    this.#worker.on('message', (answer: OnnxAnswer) => this.#receive(answer));
    this.#worker.on('error', (error) => this.#fail(error as Error));
    this.#worker.on('exit', (code) => this.#fail(new Error(`ONNX Runtime's thread ended with ${code}`)));
    this.loaded = this.#wait();
  }

  /** Runs the graph once; the feeds' buffers are handed over. Runs asked for together take turns. */
  run(feeds: Feeds): Promise<Outputs> {
    if (this.#failure) return Promise.reject(this.#failure);
    const buffers = Object.values(feeds).map(({ data }) => data.buffer as ArrayBuffer);
    this.#worker.postMessage(feeds satisfies OnnxRequest, buffers);
    return this.#wait();
  }

  /** Ends the thread when it has done what was asked for. */
  async close(): Promise<void> {
    if (this.#failure) return;
    this.#failure = new Error('The session is closed.');
    const ended = once(this.#worker, 'exit');
    this.#worker.ref();
    this.#worker.postMessage('end' satisfies OnnxRequest);
    await ended;
  }

  #wait(): Promise<Outputs> {
    const waiting = Promise.withResolvers<Outputs>();
    this.#waiting.push(waiting);
    // A thread that nobody waits for does not keep the process alive.
    this.#worker.ref();
    busyThreads.add(this);
    return waiting.promise;
  }

  #receive(answer: OnnxAnswer): void {
    const waiting = this.#waiting.shift();
    if (this.#waiting.length === 0) {
      this.#worker.unref();
      busyThreads.delete(this);
    }
    if ('error' in answer) waiting?.reject(answer.error);
    else waiting?.resolve(answer.outputs);
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    busyThreads.delete(this);
    for (const waiting of this.#waiting.splice(0)) waiting.reject(this.#failure);
  }
}
