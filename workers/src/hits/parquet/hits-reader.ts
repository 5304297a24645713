import type { Utf8Column } from '../../base/bytes/utf8-column.ts';
import { DataError } from '../../base/errors.ts';
import { type HitColumns, textsOf } from '../columns.ts';
import { P_VALUE } from '../evalues.ts';
import { HIT_MESSAGES } from '../hit-messages.ts';
import { readBucketRows, readRecipe } from '../neighbours-origin.ts';
import { type HitsOrigin, readOrigin } from '../origin.ts';
import { BATCH_ROWS, type ColumnRequest, checkColumns, readColumns } from './column-reader.ts';
import { ORDERED_BY } from './hits-writer.ts';
import { type PlacedHits, readOwnHits } from './own-hits.ts';
import { openParquet, type ParquetSource } from './parquet-file.ts';

/** The footer of a hits file. */
export interface HitsFile {
  path: string;
  rows: number;
  /** Names of all columns. */
  columns: readonly string[];
  /** Whether its writer declares the rows to be in the order of hits files. */
  ordered: boolean;
  /** The search that wrote the file, if the writer recorded it. */
  origin: HitsOrigin | undefined;
  /** Recipe of the searched table, if the writer recorded it. */
  recipe: string | undefined;
  /** Rows of the searched bucket, if the hits have p-values. */
  bucketRows: number | undefined;
  /** Bytes of memory needed to read the file: its largest row group, compressed and decoded. */
  readBytes: number;
}

const COLUMNS: readonly ColumnRequest[] = [
  { name: 'query_id', type: 'text' },
  { name: 'target_id', type: 'text' },
  { name: 'distance', type: 'float32' },
  { name: 'bucket', type: 'text' },
];

/** Memory of an open file, and of a row of the batch that is copied from the decoder. */
const OPEN_BYTES = 64 * 1024;
const BATCH_ROW_BYTES = 96;

/** Reads the footer of a hits file. @throws DataError if the file is missing, damaged or has no hits */
export async function inspectHits(path: string): Promise<HitsFile> {
  const source = await openParquet(path);
  try {
    checkColumns(source, COLUMNS);
    const [key, hitOrder] = Object.entries(ORDERED_BY)[0]!;
    return {
      path,
      rows: source.rows,
      columns: source.fields.map(({ name }) => name),
      ordered: source.metadata.get(key) === hitOrder,
      origin: readOrigin(source.metadata, (problem) => new DataError(HIT_MESSAGES.damagedMetadata(path, problem))),
      recipe: readRecipe(source.metadata),
      bucketRows: source.ours && hasPValues(source) ? readBucketRows(source.metadata) : undefined,
      readBytes: OPEN_BYTES + source.rowGroups.reduce((most, group) => Math.max(most, groupBytes(group)), 0),
    };
  } finally {
    source.close();
  }
}

function hasPValues({ fields }: ParquetSource): boolean {
  return fields.some(({ name }) => name === P_VALUE.name);
}

/** Estimates the memory of a row group: by measurement, the decoder holds its stored bytes and 1.5 times its decompressed bytes. */
function groupBytes({ rows, bytes, compressedBytes }: ParquetSource['rowGroups'][number]): number {
  return compressedBytes + 1.5 * bytes + BATCH_ROW_BYTES * Math.min(rows, BATCH_ROWS);
}

/**
 * Reads hits batch by batch; a batch is valid until the next is requested. Also reads neighbours, whose columns include those of hits.
 * @param withPValues whether to read the p-values of a file that has `bucketRows`, as the extra column
 * @throws DataError if the file is damaged or a distance is not a number (with row group and row)
 */
export async function* readHits(path: string, withPValues = false): AsyncGenerator<HitColumns, void, void> {
  const source = await openParquet(path);
  for await (const { rowGroup, firstRow, hits } of source.ours
    ? readOwnHits(source, withPValues)
    : readForeignHits(source)) {
    const nan = findNaN(hits.distances);
    if (nan >= 0) throw new DataError(HIT_MESSAGES.notANumber(path, rowGroup, firstRow + nan));
    yield hits;
  }
}

async function* readForeignHits(source: ParquetSource): AsyncGenerator<PlacedHits, void, void> {
  for await (const { rowGroup, firstRow, columns } of readColumns(source, COLUMNS)) {
    const [queryIds, targetIds, distance, buckets] = columns as [
      Utf8Column,
      Utf8Column,
      { values: Float32Array },
      Utf8Column,
    ];
    const [queries, targets, from] = [textsOf(queryIds), textsOf(targetIds), textsOf(buckets)];
    const hits = { queryIds: queries, targetIds: targets, distances: distance.values, buckets: from };
    yield { rowGroup, firstRow, hits };
  }
}

/** Finds a NaN; -1 if none. `findIndex` would call a function for each row, which is slow for hundreds of millions. */
function findNaN(values: Float32Array): number {
  for (let i = 0; i < values.length; i++) if (Number.isNaN(values[i])) return i;
  return -1;
}
