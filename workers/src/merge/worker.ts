import { parentPort, workerData } from 'node:worker_threads';
import { toUserError, UserError } from '../base/errors.ts';
import type { NeighbourColumns } from '../hits/columns.ts';
import { type MergeTask, runTask, type SortedInputs } from './task.ts';

/** What the thread tells. It waits for one message (of any content) for every batch beyond BATCHES_AHEAD. */
export type WorkerMessage =
  | { kind: 'rows'; rows: number }
  | { kind: 'batch'; hits: NeighbourColumns }
  | { kind: 'done'; made: SortedInputs }
  | { kind: 'failed'; exitCode: number | undefined; message: string };

/** Batches a thread prepares while the last one is being merged. */
const BATCHES_AHEAD = 4;
/** Rows between two messages about progress. */
const ROWS_STEP = 100_000;

const port = parentPort!;
const send = (message: WorkerMessage, transfer: ArrayBuffer[] = []) => port.postMessage(message, transfer);

let room = BATCHES_AHEAD;
let onRoom = () => {};
port.on('message', () => {
  room++;
  onRoom();
});

let unreported = 0;
function report(rows: number, atLeast: number) {
  unreported += rows;
  if (unreported < atLeast) return;
  send({ kind: 'rows', rows: unreported });
  unreported = 0;
}

async function handOver(hits: NeighbourColumns): Promise<void> {
  const { queryIds, targetIds, distances, buckets, ranks } = hits;
  const arrays = [queryIds, targetIds, buckets].flatMap(({ offsets, bytes }) => [offsets, bytes]);
  send({ kind: 'batch', hits }, [
    ...arrays.map(({ buffer }) => buffer as ArrayBuffer),
    distances.buffer as ArrayBuffer,
    ranks.buffer as ArrayBuffer,
  ]);
  room--;
  while (room <= 0) await new Promise<void>((resolve) => (onRoom = resolve));
}

try {
  const made = await runTask(workerData as MergeTask, {
    onRows: (rows) => report(rows, ROWS_STEP),
    onBatch: handOver,
  });
  report(0, 1);
  send({ kind: 'done', made });
} catch (thrown) {
  const error = toUserError(thrown);
  const exitCode = error instanceof UserError ? error.exitCode : undefined;
  const text = error instanceof Error ? (exitCode ? error.message : (error.stack ?? error.message)) : String(error);
  send({ kind: 'failed', exitCode, message: text });
}
port.close();
