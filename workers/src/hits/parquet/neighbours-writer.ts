import { Float32, Int32, Utf8 } from 'apache-arrow';
import { hitRows, type NeighbourColumns } from '../columns.ts';
import { createTable, type ParquetCompression } from './table-writer.ts';

/** Writes neighbours batch by batch, sorted by query and rank. */
export interface NeighboursWriter {
  append(rows: NeighbourColumns): Promise<void>;
  /** Completes the file. @returns its size in bytes */
  finish(): Promise<number>;
  /** Closes and deletes the file. */
  abandon(): Promise<void>;
}

/** Small enough to find one query with little reading, large enough for the full speed of every reader. */
const ROW_GROUP_ROWS = 131_072;

/**
 * Creates a neighbours file at `path` (a temporary name: see `writeAtomically`).
 * @param metadata of `neighboursMetadata`
 */
export async function createNeighbours(
  path: string,
  compression: ParquetCompression,
  metadata: Readonly<Record<string, string>> = {},
): Promise<NeighboursWriter> {
  const table = await createTable(path, {
    columns: [
      { name: 'query_id', type: new Utf8(), dictionary: true },
      { name: 'rank', type: new Int32(), dictionary: true },
      { name: 'target_id', type: new Utf8(), dictionary: false },
      { name: 'distance', type: new Float32(), dictionary: false },
      { name: 'bucket', type: new Utf8(), dictionary: true, compressed: false },
    ],
    compression,
    rowGroupRows: ROW_GROUP_ROWS,
    metadata: { 'lanceflow.ordered_by': 'query_id,rank', ...metadata },
  });
  return {
    append: (rows) =>
      table.append(hitRows(rows), [
        rows.queryIds,
        { values: rows.ranks },
        rows.targetIds,
        { values: rows.distances },
        rows.buckets,
      ]),
    finish: table.finish,
    abandon: table.abandon,
  };
}
