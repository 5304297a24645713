import { Float32, Float64, Int32, Int64, Utf8 } from 'apache-arrow';
import { hitRows, type NeighbourColumns } from '../columns.ts';
import type { ExtraField } from '../extra-column.ts';
import { type ColumnSpec, createTable, type ParquetCompression } from './table-writer.ts';

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
 * @param extra extra columns of the rows, written after the others; each is nullable
 */
export async function createNeighbours(
  path: string,
  compression: ParquetCompression,
  metadata: Readonly<Record<string, string>> = {},
  extra: readonly ExtraField[] = [],
): Promise<NeighboursWriter> {
  const table = await createTable(path, {
    columns: [
      { name: 'query_id', type: new Utf8(), dictionary: true },
      { name: 'rank', type: new Int32(), dictionary: true },
      { name: 'target_id', type: new Utf8(), dictionary: false },
      { name: 'distance', type: new Float32(), dictionary: false },
      { name: 'bucket', type: new Utf8(), dictionary: true, compressed: false },
      ...extra.map(extraColumn),
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
        ...(rows.extra ?? []),
      ]),
    finish: table.finish,
    abandon: table.abandon,
  };
}

function extraColumn({ name, type }: ExtraField): ColumnSpec {
  const types = { utf8: new Utf8(), int64: new Int64(), float32: new Float32(), float64: new Float64() };
  // Several queries have the same target; and an E-value is seldom there twice.
  return { name, type: types[type], nullable: true, dictionary: type === 'utf8' || type === 'int64' };
}
