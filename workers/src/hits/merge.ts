import { columnFrom } from '../base/bytes/utf8-column.ts';
import { type BatchLimits, createNeighbourBuilder } from './builder.ts';
import {
  compareNearness,
  compareText,
  copyText,
  type HitColumns,
  hitRows,
  type NeighbourColumns,
  sameText,
  type Texts,
  textsOf,
} from './columns.ts';
import type { ExtraField } from './extra-column.ts';
import { popHeap, pushHeap, sinkHeap } from './heap.ts';

/** Limits of emitted batches: large enough to be cheap, small enough to hold one for each of hundreds of inputs. */
export const OUTPUT_LIMITS: BatchLimits = { rows: 8192, bytes: 4 * 1024 * 1024 };

/** An error for an input that is not in the order of hits files. */
export class OrderError extends Error {
  /** Number of the input, and of its row (from 0) that is out of order. */
  readonly input: number;
  readonly row: number;
  constructor(input: number, row: number) {
    super(`input ${input} is not sorted at row ${row}`);
    this.name = 'OrderError';
    this.input = input;
    this.row = row;
  }
}

/** Position of the merge in one input. */
interface Cursor {
  readonly input: number;
  batch: HitColumns;
  rows: number;
  row: number;
  /** End, within the batch, of the rows of the query being merged. */
  runEnd: number;
  /** Rows of earlier batches. */
  before: number;
}

const NO_TEXT = textsOf(columnFrom([]));
const EMPTY: HitColumns = {
  queryIds: NO_TEXT,
  targetIds: NO_TEXT,
  buckets: NO_TEXT,
  distances: new Float32Array(0),
};

type Step = Generator<number | NeighbourColumns, boolean, HitColumns | undefined>;

/**
 * Merges sorted inputs (see ORDERED_BY) into each query's k nearest. Pure: it yields the number of the input whose next batch it needs
 * and is resumed with that batch (undefined at the input's end), or yields a batch of neighbours. It holds one batch per input, whatever
 * the number of queries and k, and does not read a batch after it has received the next. Ties are broken by target and bucket, so the
 * order of the inputs does not matter.
 * @param extra columns to carry
 * @throws OrderError
 */
export function* mergeHits(
  inputs: number,
  k: number,
  limits: BatchLimits = OUTPUT_LIMITS,
  extra: readonly ExtraField[] = [],
): Generator<number | NeighbourColumns, void, HitColumns | undefined> {
  const waiting: Cursor[] = [];
  for (let input = 0; input < inputs; input++) {
    const cursor: Cursor = { input, batch: EMPTY, rows: 0, row: 0, runEnd: 0, before: 0 };
    if (yield* refill(cursor)) pushHeap(waiting, cursor, byQuery);
  }
  const output = createNeighbourBuilder(limits, extra);
  const active: Cursor[] = [];
  const members: Cursor[] = [];
  while (waiting.length > 0) {
    const query = copyText(waiting[0]!.batch.queryIds, waiting[0]!.row);
    members.length = 0;
    active.length = 0;
    while (waiting.length > 0 && sameText(waiting[0]!.batch.queryIds, waiting[0]!.row, query, 0)) {
      const cursor = popHeap(waiting, byQuery);
      cursor.runEnd = endOfRun(cursor, query);
      members.push(cursor);
      pushHeap(active, cursor, byNearness);
    }
    for (let rank = 1; rank <= k && active.length > 0; rank++) {
      const cursor = active[0]!;
      output.push(cursor.batch, cursor.row, rank);
      if (output.full) yield output.take();
      if (++cursor.row < cursor.runEnd) {
        const { distances } = cursor.batch;
        if (distances[cursor.row]! < distances[cursor.row - 1]!)
          throw new OrderError(cursor.input, cursor.before + cursor.row);
        sinkHeap(active, byNearness);
      } else if (yield* continueRun(cursor, query)) sinkHeap(active, byNearness);
      else popHeap(active, byNearness);
    }
    for (const cursor of members) if (yield* nextQuery(cursor, query)) pushHeap(waiting, cursor, byQuery);
  }
  if (output.rows > 0) yield output.take();
}

/** Moves past the run's rows in this batch. @returns whether the next batch continues the same query */
function* continueRun(cursor: Cursor, query: Texts): Step {
  cursor.row = cursor.runEnd;
  if (cursor.row < cursor.rows) return false;
  const lastDistance = cursor.batch.distances[cursor.rows - 1]!;
  if (!(yield* refill(cursor))) return false;
  cursor.runEnd = endOfRun(cursor, query);
  if (cursor.runEnd > 0 && cursor.batch.distances[0]! < lastDistance) throw new OrderError(cursor.input, cursor.before);
  return cursor.runEnd > 0;
}

/** Moves to the first row of the next query. @returns false at the input's end */
function* nextQuery(cursor: Cursor, query: Texts): Step {
  while (cursor.rows > 0 && (yield* continueRun(cursor, query)));
  if (cursor.rows === 0) return false;
  if (compareText(cursor.batch.queryIds, cursor.row, query, 0) < 0)
    throw new OrderError(cursor.input, cursor.before + cursor.row);
  return true;
}

function* refill(cursor: Cursor): Step {
  cursor.before += cursor.rows;
  cursor.row = 0;
  cursor.runEnd = 0;
  do {
    const batch = yield cursor.input;
    cursor.batch = batch ?? EMPTY;
    cursor.rows = hitRows(cursor.batch);
    if (batch === undefined) return false;
  } while (cursor.rows === 0);
  return true;
}

/** Finds the end of the rows from `cursor.row` that belong to `query`: doubling steps, then bisection. */
function endOfRun({ batch: { queryIds }, row, rows }: Cursor, query: Texts): number {
  if (!sameText(queryIds, row, query, 0)) return row;
  // Comparing with the run's first row instead of `query` is free if the file stores the id once.
  const same = (at: number) => sameText(queryIds, at, queryIds, row);
  let inside = row;
  let step = 1;
  while (inside + step < rows && same(inside + step)) {
    inside += step;
    step *= 2;
  }
  let outside = Math.min(inside + step, rows);
  while (outside - inside > 1) {
    const middle = (inside + outside) >>> 1;
    if (same(middle)) inside = middle;
    else outside = middle;
  }
  return outside;
}

function byQuery(a: Cursor, b: Cursor): number {
  return compareText(a.batch.queryIds, a.row, b.batch.queryIds, b.row);
}

function byNearness(a: Cursor, b: Cursor): number {
  return compareNearness(a.batch, a.row, b.batch, b.row);
}
