import { DataError } from '../../base/errors.ts';
import type { NeighbourColumns } from '../columns.ts';
import type { ExtraColumn, ExtraField, ExtraType } from '../extra-column.ts';
import { HIT_MESSAGES } from '../hit-messages.ts';
import { ALL_ROWS, type ColumnRequest, checkColumns, readColumns } from './column-reader.ts';
import type { DecodedColumn, DecodedValues, Layout } from './decoded-batch.ts';
import { layoutOf } from './decoded-batch.ts';
import { openParquet, type ParquetSource } from './parquet-file.ts';

/** Rows of a neighbours file. */
export interface NeighbourBatch extends NeighbourColumns {
  /** Number, within the file, of the first row. */
  readonly firstRow: number;
}

/** The footer of a neighbours file. */
export interface NeighboursFile {
  path: string;
  rows: number;
  /** Extra columns, in the order of the file. Columns of other types are ignored. */
  extra: readonly ExtraField[];
  /** Metadata that LanceFlow wrote (see `neighboursMetadata`), to write the same neighbours again with `createNeighbours`. */
  metadata: Record<string, string>;
}

const COLUMNS = [
  { name: 'query_id', type: 'text' },
  { name: 'target_id', type: 'text' },
  { name: 'distance', type: 'float32' },
  { name: 'bucket', type: 'text' },
  { name: 'rank', type: 'int32' },
] as const satisfies readonly ColumnRequest[];

const NAMES: ReadonlySet<string> = new Set(COLUMNS.map(({ name }) => name));

/** Reads the footer of a neighbours file. @throws DataError if the file is missing, damaged or lacks a column of neighbours */
export async function inspectNeighbours(path: string): Promise<NeighboursFile> {
  const source = await openParquet(path);
  try {
    checkColumns(source, COLUMNS);
    return { path, rows: source.rows, extra: extraFields(source), metadata: Object.fromEntries(source.metadata) };
  } finally {
    source.close();
  }
}

/**
 * Reads neighbours batch by batch, in the order of the file; a batch is valid until the next is requested.
 * @param extra extra columns to read, of `inspectNeighbours`; the batches have them in this order
 * @param range rows to read; the first and the last batch may have others. Each batch has the number of its first row
 * @throws DataError if the file is damaged, lacks a column, or a distance is not a number (with row group and row)
 */
export async function* readNeighbours(
  path: string,
  extra: readonly ExtraField[] = [],
  range = ALL_ROWS,
): AsyncGenerator<NeighbourBatch, void, void> {
  const source = await openParquet(path);
  const request = [...COLUMNS, ...extra.map(extraRequest)];
  for await (const { rowGroup, firstRow, columns } of readColumns(source, request, range)) {
    const [queryIds, targetIds, { values: distances }, buckets, { values: ranks }] = columns as FixedColumns;
    const nan = distances.findIndex(Number.isNaN);
    if (nan >= 0) throw new DataError(HIT_MESSAGES.notANumber(path, rowGroup, firstRow + nan));
    const extras = columns.slice(COLUMNS.length) as ExtraColumn[];
    yield { firstRow, queryIds, targetIds, distances, buckets, ranks, ...(extras.length > 0 && { extra: extras }) };
  }
}

/** The columns of COLUMNS. */
type FixedColumns = [Texts, Texts, { values: Float32Array }, Texts, { values: Int32Array }, ...DecodedColumn[]];
type Texts = Exclude<DecodedColumn, { values: DecodedValues }>;

function extraFields({ fields }: ParquetSource): ExtraField[] {
  return fields.flatMap(({ name, type }) => {
    const extraType = NAMES.has(name) ? undefined : extraTypeOf(layoutOf(type));
    return extraType === undefined ? [] : [{ name, type: extraType }];
  });
}

function extraTypeOf(layout: Layout | undefined): ExtraType | undefined {
  if (layout === 'other') return 'utf8';
  return layout === 'int32' ? undefined : layout;
}

function extraRequest({ name, type }: ExtraField): ColumnRequest {
  return { name, type: type === 'utf8' ? 'text' : type, nullable: true };
}
