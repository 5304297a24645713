import type { HitColumns } from '../../core/merge-batch.ts';
import type { Utf8Column } from '../../core/utf8-column.ts';
import { DataError } from '../../errors.ts';
import { type ColumnRequest, checkColumns, readColumns } from './column-reader.ts';
import { ORDERED_BY } from './hits-writer.ts';
import { openParquet } from './parquet-file.ts';

/** What the footer of a hits file says. */
export interface HitsFile {
  path: string;
  rows: number;
  /** Whether its writer says that the rows are in the order of hits files. */
  ordered: boolean;
  /** Memory that reading it takes: its largest row group, compressed, and what is decoded of it. */
  readBytes: number;
}

const COLUMNS: readonly ColumnRequest[] = [
  { name: 'query_id', type: 'text' },
  { name: 'target_id', type: 'text' },
  { name: 'distance', type: 'float32' },
  { name: 'bucket', type: 'text' },
];

/** Pages under decompression and decoded batches of one open file: measured. */
const DECODE_BYTES = 4 * 1024 * 1024;

/** Reads the footer of a hits file. @throws DataError where it is missing, damaged or no hits file */
export async function inspectHits(path: string): Promise<HitsFile> {
  const source = await openParquet(path);
  try {
    checkColumns(source, COLUMNS);
    const [name, order] = Object.entries(ORDERED_BY)[0]!;
    return {
      path,
      rows: source.rows,
      ordered: source.metadata.get(name) === order,
      readBytes: Math.max(0, ...source.rowGroups.map((group) => group.compressedBytes)) + DECODE_BYTES,
    };
  } finally {
    source.close();
  }
}

/**
 * Reads hits batch by batch. Also reads neighbours, whose columns include those of hits.
 * @throws DataError where the file is damaged or a distance is not a number (with row group and row)
 */
export async function* readHits(path: string): AsyncGenerator<HitColumns, void, void> {
  for await (const { rowGroup, firstRow, columns } of readColumns(path, COLUMNS)) {
    const [queryIds, targetIds, distance, buckets] = columns as [
      Utf8Column,
      Utf8Column,
      { values: Float32Array },
      Utf8Column,
    ];
    const wrong = distance.values.findIndex(Number.isNaN);
    if (wrong >= 0)
      throw new DataError(
        `${path}: the distance in row group ${rowGroup}, row ${firstRow + wrong} is not a number. Search this bucket again.`,
      );
    yield { queryIds, targetIds, distances: distance.values, buckets };
  }
}
