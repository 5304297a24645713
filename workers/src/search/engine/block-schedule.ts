import { type FragmentRows, fragmentBlocks, type RowSpan } from '../../bucket/fragment-blocks.ts';
import type { ChosenQueries } from './block-scorer.ts';
import { BLOCK_ROWS } from './memory.ts';

/** A span of rows and the queries to compare with them: all spans have chosen ones, or none has (all queries). */
export interface ScoredSpan extends RowSpan {
  chosen?: ChosenQueries;
}

/** The blocks of a table in data files, from which threads take one after the other; in memory that they share. */
export interface BlockSchedule {
  /** Of each span: its rows, and where its queries end in `queries`. */
  firstRows: Float64Array;
  endRows: Float64Array;
  queryEnds: Int32Array;
  queries: Int32Array;
  /** [spans, D]; empty where all queries are compared with all spans. */
  centres: Float32Array;
  /** Rows of each fragment. */
  fragmentRows: Float64Array;
  /** See NEXT_BLOCK, SCORED_ROWS and STOPPED. */
  state: Int32Array;
}

/** Positions in `state`: the block that is taken next, rows that are scored, whether a thread has failed. */
const NEXT_BLOCK = 0;
const SCORED_ROWS = 1;
const STOPPED = 2;

/** Lays out the blocks of ascending spans. */
export function scheduleBlocks(
  spans: readonly ScoredSpan[],
  fragments: ReadonlyArray<{ rows: number }>,
  dimension: number,
): BlockSchedule {
  const total = spans.reduce((sum, { chosen }) => sum + (chosen?.queries.length ?? 0), 0);
  const isChosen = spans[0]?.chosen !== undefined;
  const schedule: BlockSchedule = {
    firstRows: doubles(spans.length),
    endRows: doubles(spans.length),
    queryEnds: integers(spans.length),
    queries: integers(total),
    centres: new Float32Array(new SharedArrayBuffer(isChosen ? 4 * spans.length * dimension : 0)),
    fragmentRows: doubles(fragments.length),
    state: integers(3),
  };
  let end = 0;
  for (const [i, { first, end: endRow, chosen }] of spans.entries()) {
    schedule.firstRows[i] = first;
    schedule.endRows[i] = endRow;
    if (chosen) {
      schedule.queries.set(chosen.queries, end);
      schedule.centres.set(chosen.centre, i * dimension);
      end += chosen.queries.length;
    }
    schedule.queryEnds[i] = end;
  }
  for (const [i, { rows }] of fragments.entries()) schedule.fragmentRows[i] = rows;
  return schedule;
}

/** Takes blocks of a schedule, which other threads take at the same time, until none is left or a thread has failed. */
export function* takeBlocks(
  { firstRows, endRows, queryEnds, queries, centres, fragmentRows, state }: BlockSchedule,
  dimension: number,
): Generator<{ parts: FragmentRows[]; rows: number; chosen: ChosenQueries | undefined }> {
  const spans = function* () {
    for (let span = 0; span < firstRows.length; span++) yield { first: firstRows[span]!, end: endRows[span]!, span };
  };
  const fragments = Array.from(fragmentRows, (rows) => ({ rows }));
  let block = 0;
  let own = Atomics.add(state, NEXT_BLOCK, 1);
  for (const { span, rows, parts } of fragmentBlocks(spans(), fragments, BLOCK_ROWS)) {
    if (block++ < own) continue;
    if (Atomics.load(state, STOPPED) !== 0) return;
    const i = span.span;
    const chosen = centres.length > 0 && {
      queries: queries.subarray(i === 0 ? 0 : queryEnds[i - 1]!, queryEnds[i]!),
      centre: centres.subarray(i * dimension, (i + 1) * dimension),
    };
    yield { parts, rows, chosen: chosen || undefined };
    Atomics.add(state, SCORED_ROWS, rows);
    own = Atomics.add(state, NEXT_BLOCK, 1);
  }
}

/** Rows that threads have scored so far. */
export function scoredRows({ state }: BlockSchedule): number {
  return Atomics.load(state, SCORED_ROWS);
}

/** Lets no thread take another block. */
export function stopBlocks({ state }: BlockSchedule): void {
  Atomics.store(state, STOPPED, 1);
}

function integers(length: number): Int32Array {
  return new Int32Array(new SharedArrayBuffer(4 * length));
}

function doubles(length: number): Float64Array {
  return new Float64Array(new SharedArrayBuffer(8 * length));
}
