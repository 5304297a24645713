import { partitionOf } from '../../base/bytes/partition-of.ts';
import { columnLength, type Utf8Column } from '../../base/bytes/utf8-column.ts';
import type { Run, RunFiles } from './run-files.ts';

/** Rows with more bytes of a column are gathered in several pieces. */
const MOST_CELL_BYTES = 64 * 2 ** 20;
/** Rows of a run that go to one place are read there where they have more bytes, otherwise with others, and copied. */
const DIRECT_BYTES = 128 * 2 ** 10;
const PIECE_BYTES = 2 ** 20;

/** Runs that make up the rows of a table. */
export interface SortedRuns {
  /** In the order of their rows. */
  runs: readonly Run[];
  /** First row of each partition in the table, and in the end the number of rows. */
  firstRows: Float64Array;
  /** Partitions of which the file of starts tells, at least those of the table. */
  partitions: number;
  /** Bytes of a vector. */
  rowBytes: number;
}

/** Consecutive rows of a run that are consecutive in the table too. */
interface Segment {
  run: Run;
  /** Position of the first in the run, and among the gathered rows. */
  from: number;
  to: number;
  rows: number;
}

/** Consecutive rows of the table; valid until the next are gathered. */
export interface GatheredRows {
  rows: number;
  /** The vectors as they are stored. */
  vectors: Uint8Array;
  ids: Utf8Column;
}

/** Gathers rows in the order of the table: by partition, those of a partition in the order of the bucket. */
export class RowGatherer {
  readonly #files: RunFiles;
  readonly #sorted: SortedRuns;
  readonly #vectors: Uint8Array;
  readonly #piece = new Uint8Array(PIECE_BYTES);

  /** @param buffer for the vectors of the most rows that are gathered at once */
  constructor(files: RunFiles, sorted: SortedRuns, buffer: Uint8Array) {
    this.#files = files;
    this.#sorted = sorted;
    this.#vectors = buffer;
  }

  /** Gathers vectors and ids of rows [first, end) of the table: at once, or in several pieces where ids are long. */
  *gather(first: number, end: number): Generator<GatheredRows> {
    for (const { cells: ids, segments } of this.#gatherCells(0, first, end)) {
      for (const ofRun of segments) this.#readVectors(ofRun);
      const rows = columnLength(ids);
      yield { rows, vectors: this.#vectors.subarray(0, rows * this.#sorted.rowBytes), ids };
    }
  }

  /** Gathers rows [first, end) of a column that the table keeps, in pieces. @param column its position among those */
  *gatherKept(column: number, first: number, end: number): Generator<Utf8Column> {
    for (const { cells } of this.#gatherCells(1 + column, first, end)) yield cells;
  }

  *#gatherCells(column: number, first: number, end: number): Generator<{ cells: Utf8Column; segments: Segment[][] }> {
    const segments = this.#segments(first, end);
    const { offsets, byteCount } = this.#cellOffsets(column, segments, end - first);
    if (byteCount > MOST_CELL_BYTES && end - first > 1) {
      const middle = first + ((end - first) >> 1);
      yield* this.#gatherCells(column, first, middle);
      yield* this.#gatherCells(column, middle, end);
      return;
    }
    const bytes = new Uint8Array(byteCount);
    for (const ofRun of segments) this.#readCells(column, ofRun, { offsets, bytes });
    yield { cells: { offsets, bytes }, segments };
  }

  /** What each run has of rows [first, end); the segments of a run follow each other there. */
  #segments(first: number, end: number): Segment[][] {
    const { runs, firstRows, partitions } = this.#sorted;
    const firstPartition = partitionOf(first, firstRows);
    const partitionCount = partitionOf(end - 1, firstRows) + 1 - firstPartition;
    // Where the next row of each partition goes: before 0 and from the last on, it belongs to another fragment.
    const next = Float64Array.from({ length: partitionCount }, (_, i) => firstRows[firstPartition + i]! - first);
    const starts = new Uint32Array(partitionCount + 1);
    const all: Segment[][] = [];
    for (const run of runs) {
      this.#files.read('starts', starts, 4 * ((partitions + 1) * run.slot + firstPartition));
      const segments: Segment[] = [];
      for (let i = 0; i < partitionCount; i++) {
        const count = starts[i + 1]! - starts[i]!;
        const begin = Math.max(0, -next[i]!);
        const rows = Math.min(count, end - first - next[i]!) - begin;
        if (rows > 0) segments.push({ run, from: starts[i]! + begin, to: next[i]! + begin, rows });
        next[i]! += count;
      }
      if (segments.length > 0) all.push(segments);
    }
    return all;
  }

  /** Where the cell of each gathered row begins. */
  #cellOffsets(
    column: number,
    segments: readonly Segment[][],
    rows: number,
  ): { offsets: Int32Array; byteCount: number } {
    const offsets = new Int32Array(rows + 1);
    for (const ofRun of segments) {
      const ends = this.#cellEnds(column, ofRun);
      let at = 1;
      for (const { to, rows: count } of ofRun)
        for (let i = 0; i < count; i++, at++) offsets[to + i + 1] = ends[at]! - ends[at - 1]!;
    }
    let byteCount = 0;
    for (let row = 0; row < rows; row++) {
      byteCount += offsets[row + 1]!;
      offsets[row + 1] = byteCount;
    }
    return { offsets, byteCount };
  }

  /** Where the cells of a run's segments end, and before that where the first begins. */
  #cellEnds(column: number, segments: readonly Segment[]): Uint32Array {
    const [{ run, from }, last] = [segments[0]!, segments.at(-1)!];
    const ends = new Uint32Array(last.from + last.rows - from + 1);
    // The first cell of a run begins at 0.
    const into = from === 0 ? ends.subarray(1) : ends;
    this.#files.read(`ends-${column}`, into, 4 * (run.firstRow + from - (from === 0 ? 0 : 1)));
    return ends;
  }

  #readCells(column: number, segments: readonly Segment[], into: { offsets: Int32Array; bytes: Uint8Array }): void {
    const ends = this.#cellEnds(column, segments);
    const cells = new Uint8Array(ends.at(-1)! - ends[0]!);
    this.#files.read(`cells-${column}`, cells, segments[0]!.run.cellsAt[column]! + ends[0]!);
    let at = 0;
    for (const { to, rows } of segments) {
      into.bytes.set(cells.subarray(ends[at]! - ends[0]!, ends[at + rows]! - ends[0]!), into.offsets[to]!);
      at += rows;
    }
  }

  #readVectors(segments: readonly Segment[]): void {
    const { rowBytes } = this.#sorted;
    for (let i = 0; i < segments.length; ) {
      const { run, from } = segments[i]!;
      const position = (run.firstRow + from) * rowBytes;
      let end = i;
      let rows = 0;
      const fits = ({ rows: more }: Segment) =>
        more * rowBytes <= DIRECT_BYTES && (rows + more) * rowBytes <= this.#piece.length;
      while (end < segments.length && fits(segments[end]!)) rows += segments[end++]!.rows;
      if (end - i < 2) {
        const { to, rows: count } = segments[i]!;
        this.#files.read('vectors', this.#vectors.subarray(to * rowBytes, (to + count) * rowBytes), position);
        i++;
        continue;
      }
      const piece = this.#piece.subarray(0, rows * rowBytes);
      this.#files.read('vectors', piece, position);
      let at = 0;
      for (; i < end; i++) {
        const { to, rows: count } = segments[i]!;
        this.#vectors.set(piece.subarray(at * rowBytes, (at + count) * rowBytes), to * rowBytes);
        at += count;
      }
    }
  }
}
