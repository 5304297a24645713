import { parentPort, workerData } from 'node:worker_threads';
import { BlockScorer, type FoundRows, type SharedSearch } from './block-scorer.ts';

/** What a thread is started with. */
export interface ScoreThreadData {
  shared: SharedSearch;
  scratch: number;
}

/** A block to score, word that a part of its rows was taken, or the end of work. */
export type ScoreRequest = { vectors: Float32Array; queries: Int32Array | undefined } | 'taken' | 'end';

/** Parts of what a block has, then its end. */
export type ScoreAnswer = { kind: 'part'; found: FoundRows } | { kind: 'done' } | { kind: 'failed'; error: unknown };

if (!parentPort) throw new Error('score-worker.ts is run in threads by score-threads.ts');
const port = parentPort;
const { shared, scratch } = workerData as ScoreThreadData;
const starting = BlockScorer.create(shared, scratch);
// Blocks share the scorer's room: one after the other.
let last: Promise<void> = Promise.resolve();
let onTaken = () => {};
port.on('message', (request: ScoreRequest) => {
  if (request === 'taken') onTaken();
  else last = last.then(() => answer(request));
});

async function answer(request: Exclude<ScoreRequest, 'taken'>): Promise<void> {
  try {
    const scorer = await starting;
    if (request === 'end') {
      await scorer.close();
      port.close();
      return;
    }
    await scorer.score(request.vectors, request.queries, give);
    port.postMessage({ kind: 'done' } satisfies ScoreAnswer);
  } catch (error) {
    port.postMessage({ kind: 'failed', error } satisfies ScoreAnswer);
  }
}

/** Waits until the part was taken, so that parts do not pile up. */
async function give(found: FoundRows): Promise<void> {
  if (found.rows.length === 0) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  onTaken = resolve;
  const buffers = [found.queries, found.rows, found.distances].map(({ buffer }) => buffer as ArrayBuffer);
  port.postMessage({ kind: 'part', found } satisfies ScoreAnswer, buffers);
  await promise;
}
