import { parentPort } from 'node:worker_threads';
import { UserError } from '../../base/errors.ts';
import { type FilePart, PartReader } from '../../bucket/part-reader.ts';
import type { VectorType } from '../../vectors/vector-type.ts';
import { BlockScorer, type ChosenQueries, type FoundRows } from './block-scorer.ts';
import type { SharedSearch } from './filters/shared-queries.ts';

/** What a thread needs for blocks. */
export interface ScoreThreadData {
  shared: SharedSearch;
  /** Of what is in files. */
  vectorType: VectorType;
  scratch: number;
  /** For rows that it reads itself: [BLOCK_ROWS, D] */
  room: Float32Array;
}

/** Rows of a block: [rows, D] in shared memory, or where to read them. */
export type BlockRows = { vectors: Float32Array } | { parts: readonly FilePart[] };

export interface BlockRequest {
  rows: BlockRows;
  chosen: ChosenQueries | undefined;
}

/** What is needed for blocks, a block to score, word that a part of its rows was taken, or the end of work. */
export type ScoreRequest = ScoreThreadData | BlockRequest | 'taken' | 'end';

/** What a block has: parts where there is very much, then the rest. */
export type ScoreAnswer =
  | { kind: 'part' | 'done'; found: FoundRows }
  | { kind: 'failed'; error: unknown; exitCode?: number };

if (!parentPort) throw new Error('score-worker.ts is run in threads by score-threads.ts');
const port = parentPort;
let starting: Promise<Started> | undefined;
// Blocks share the scorer's room: one after the other.
let last: Promise<void> = Promise.resolve();
let onTaken = () => {};
port.on('message', (request: ScoreRequest) => {
  if (request === 'taken') onTaken();
  else if (request === 'end') last = last.then(end);
  else if ('shared' in request) {
    starting = start(request);
    starting.catch(() => {}); // told with the first block
  } else last = last.then(() => answer(request));
});

interface Started {
  scorer: BlockScorer;
  reader: PartReader;
  room: Float32Array;
}

async function start({ shared, vectorType, scratch, room }: ScoreThreadData): Promise<Started> {
  const reader = new PartReader(shared.dimension, vectorType);
  return { scorer: new BlockScorer(shared, scratch), reader, room };
}

async function answer({ rows, chosen }: BlockRequest): Promise<void> {
  try {
    const { scorer, reader, room } = (await starting)!;
    const vectors = 'parts' in rows ? reader.read(rows.parts, room) : rows.vectors;
    const found = await scorer.score(vectors, chosen, give);
    send('done', found);
  } catch (error) {
    const exitCode = error instanceof UserError ? error.exitCode : undefined;
    port.postMessage({ kind: 'failed', error, exitCode } satisfies ScoreAnswer);
  }
}

async function end(): Promise<void> {
  // Where it failed, the first block has told.
  const started = await starting?.catch(() => undefined);
  await started?.scorer.close();
  started?.reader.close();
  port.close();
}

/** Waits until the part was taken, so that parts do not pile up. */
async function give(found: FoundRows): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  onTaken = resolve;
  send('part', found);
  await promise;
}

function send(kind: 'part' | 'done', found: FoundRows): void {
  const buffers = [found.queries, found.rows, found.distances].map(({ buffer }) => buffer as ArrayBuffer);
  port.postMessage({ kind, found } satisfies ScoreAnswer, buffers);
}
