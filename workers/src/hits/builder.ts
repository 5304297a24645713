import type { Utf8Column } from '../base/bytes/utf8-column.ts';
import type { HitColumns, NeighbourColumns, Texts } from './columns.ts';

/** Collects rows from batches of any size into batches whose sizes depend only on the rows. */
export interface NeighbourBuilder {
  readonly rows: number;
  /** Returns whether `take` should be called before the next `push`. */
  readonly full: boolean;
  push(hits: HitColumns, row: number, rank: number): void;
  /** Returns the rows collected since the last call. */
  take(): NeighbourColumns;
}

export interface BatchLimits {
  rows: number;
  /** Bytes of text; a single row may exceed them. */
  bytes: number;
}

/** Creates a builder. @param limits a batch is full when it reaches either of them */
export function createNeighbourBuilder(limits: BatchLimits): NeighbourBuilder {
  const queryIds = createTextBuilder(limits.rows);
  const targetIds = createTextBuilder(limits.rows);
  const buckets = createTextBuilder(limits.rows);
  const distances = new Float32Array(limits.rows);
  const ranks = new Int32Array(limits.rows);
  let rows = 0;
  return {
    get rows() {
      return rows;
    },
    get full() {
      return rows === limits.rows || queryIds.size() + targetIds.size() + buckets.size() >= limits.bytes;
    },
    push(hits, row, rank) {
      queryIds.push(hits.queryIds, row);
      targetIds.push(hits.targetIds, row);
      buckets.push(hits.buckets, row);
      distances[rows] = hits.distances[row]!;
      ranks[rows++] = rank;
    },
    take() {
      const count = rows;
      rows = 0;
      return {
        queryIds: queryIds.take(),
        targetIds: targetIds.take(),
        buckets: buckets.take(),
        distances: distances.slice(0, count),
        ranks: ranks.slice(0, count),
      };
    },
  };
}

function createTextBuilder(maxRows: number) {
  const offsets = new Int32Array(maxRows + 1);
  let bytes = new Uint8Array(maxRows * 16);
  let rows = 0;
  let size = 0;
  return {
    size: () => size,
    push(texts: Texts, row: number) {
      const start = texts.starts[row]!;
      const end = texts.ends[row]!;
      const length = end - start;
      if (size + length > bytes.length) {
        const larger = new Uint8Array(Math.max(bytes.length * 2, size + length));
        larger.set(bytes.subarray(0, size));
        bytes = larger;
      }
      // For texts as short as ids, a loop is faster than set(subarray()).
      if (length < 64) for (let i = 0; i < length; i++) bytes[size + i] = texts.bytes[start + i]!;
      else bytes.set(texts.bytes.subarray(start, end), size);
      size += length;
      offsets[++rows] = size;
    },
    take(): Utf8Column {
      const column = { offsets: offsets.slice(0, rows + 1), bytes: bytes.slice(0, size) };
      rows = 0;
      size = 0;
      return column;
    },
  };
}
