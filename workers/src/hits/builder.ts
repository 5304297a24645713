import type { HitColumns, NeighbourColumns, Texts } from './columns.ts';
import { createExtraBuilder } from './extra-builder.ts';
import type { ExtraField } from './extra-column.ts';
import { createTextBuilder, type TextBuilder } from './text-builder.ts';

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

/**
 * Creates a builder.
 * @param limits a batch is full when it reaches either of them
 * @param extra extra columns to carry, in the order of `extra` of the batches; null where a batch has none
 */
export function createNeighbourBuilder(limits: BatchLimits, extra: readonly ExtraField[] = []): NeighbourBuilder {
  const queryIds = createTextBuilder(limits.rows);
  const targetIds = createTextBuilder(limits.rows);
  const buckets = createTextBuilder(limits.rows);
  const distances = new Float32Array(limits.rows);
  const ranks = new Int32Array(limits.rows);
  const extras = extra.map(({ type }) => createExtraBuilder(type, limits.rows));
  const textBytes = () => {
    let bytes = queryIds.size() + targetIds.size() + buckets.size();
    for (let i = 0; i < extras.length; i++) bytes += extras[i]!.size();
    return bytes;
  };
  let rows = 0;
  return {
    get rows() {
      return rows;
    },
    get full() {
      return rows === limits.rows || textBytes() >= limits.bytes;
    },
    push(hits, row, rank) {
      pushText(queryIds, hits.queryIds, row);
      pushText(targetIds, hits.targetIds, row);
      pushText(buckets, hits.buckets, row);
      for (let i = 0; i < extras.length; i++) extras[i]!.push(hits.extra?.[i], row);
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
        ...(extras.length > 0 && { extra: extras.map((column) => column.take()) }),
      };
    },
  };
}

function pushText(into: TextBuilder, { bytes, starts, ends }: Texts, row: number): void {
  into.push(bytes, starts[row]!, ends[row]!);
}
