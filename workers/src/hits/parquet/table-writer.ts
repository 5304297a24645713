import { open, rm } from 'node:fs/promises';
import { type DataType, Field, makeData, RecordBatch, Schema, Struct, Table, tableToIPC } from 'apache-arrow';
import {
  Compression,
  EnabledStatistics,
  type RecordBatch as EncoderBatch,
  Table as EncoderTable,
  transformParquetStream,
  WriterPropertiesBuilder,
} from 'parquet-wasm';

/** Supported compressions of Parquet; `zstd` is the default everywhere. */
export const COMPRESSIONS = ['zstd', 'gzip', 'none'] as const;
export type ParquetCompression = (typeof COMPRESSIONS)[number];

/** A column in Arrow's layout: fixed-width values, or UTF-8 text with offsets. */
export type ColumnData = (
  | { readonly values: Float32Array | Float64Array | Int32Array | BigInt64Array }
  | { readonly offsets: Int32Array; readonly bytes: Uint8Array }
) & {
  /** Bitmap of the rows that have a value, of a nullable column; undefined: all rows. */
  readonly validity?: Uint8Array | undefined;
};

export interface ColumnSpec {
  readonly name: string;
  readonly type: DataType;
  readonly nullable?: boolean;
  /** Whether values repeat, so that a dictionary is smaller. */
  readonly dictionary: boolean;
  /** False if a dictionary leaves nothing to compress. */
  readonly compressed?: boolean;
}

export interface TableOptions {
  columns: readonly ColumnSpec[];
  compression: ParquetCompression;
  /** Rows of a row group. */
  rowGroupRows: number;
  /** Metadata of the file: see METADATA_KEY. */
  metadata: Record<string, string>;
}

/** Writes a Parquet file batch by batch; one compressed row group is in memory. */
export interface TableWriter {
  /** Appends rows. @param columns one entry per column, in the order of the file's columns */
  append(rows: number, columns: readonly ColumnData[]): Promise<void>;
  /** Completes the file. @returns its size in bytes */
  finish(): Promise<number>;
  /** Closes and deletes the file. */
  abandon(): Promise<void>;
}

/**
 * Name of the writer of a file. Other tools keep the key-value metadata of a file that they change, so a reader trusts this metadata only
 * if the writer is LanceFlow.
 */
export const CREATED_BY = 'lanceflow version 1.0.0';

/**
 * The only key of a file's metadata; its value is a JSON object. The encoder would write several keys in random order, but the same rows
 * must give the same bytes.
 */
export const METADATA_KEY = 'lanceflow';

/** Limits a row group with ids of thousands of characters. */
const ROW_GROUP_BYTES = 64 * 1024 * 1024;

/**
 * Creates a Parquet file at `path` (a temporary name: see `writeAtomically`). All columns have minimum and maximum for every row group and
 * page, and are required (without nulls) unless they are nullable.
 */
export async function createTable(path: string, options: TableOptions): Promise<TableWriter> {
  const file = await open(path, 'w');
  const encoder = startEncoder(options, (chunk) => file.writeFile(chunk));
  return {
    append: encoder.append,
    async finish() {
      try {
        return await encoder.finish();
      } finally {
        await file.close();
      }
    },
    async abandon() {
      await encoder.abandon();
      await file.close();
      await rm(path, { force: true });
    },
  };
}

/** Encodes rows as a Parquet file in memory, as `createTable` would write it. */
export async function encodeTable(
  options: TableOptions,
  rows: number,
  columns: readonly ColumnData[],
): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array[] = [];
  const encoder = startEncoder(options, async (chunk) => {
    chunks.push(chunk);
  });
  if (rows > 0) await encoder.append(rows, columns);
  const bytes = new Uint8Array(await encoder.finish());
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}

/** Starts an encoder. @param write receives the file's bytes, in chunks */
function startEncoder(options: TableOptions, write: (chunk: Uint8Array) => Promise<void>) {
  const schema = new Schema(options.columns.map(({ name, type, nullable = false }) => new Field(name, type, nullable)));
  const { readable, writable } = new TransformStream<EncoderBatch, EncoderBatch>();
  const batches = writable.getWriter();
  const ignore = () => {};
  batches.closed.catch(ignore);
  const encoded = encode(readable, options, write).catch((error: unknown) => {
    // A full disk stops the encoder: pending appends must fail instead of waiting forever.
    batches.abort(error).catch(ignore);
    throw error;
  });
  encoded.catch(ignore);
  const append = (rows: number, columns: readonly ColumnData[]) => batches.write(toEncoderBatch(schema, rows, columns));
  // The encoder takes the schema from the first batch: with an empty one, a file without rows is valid.
  append(0, options.columns.map(emptyColumn)).catch(ignore);
  return {
    append,
    async finish(): Promise<number> {
      await batches.close();
      return encoded;
    },
    async abandon() {
      await batches.abort(new Error('abandoned')).catch(ignore);
      await encoded.catch(ignore);
    },
  };
}

async function encode(
  batches: ReadableStream<EncoderBatch>,
  options: TableOptions,
  write: (chunk: Uint8Array) => Promise<void>,
): Promise<number> {
  const bytes: ReadableStream<Uint8Array> = await transformParquetStream(batches, writerProperties(options));
  let written = 0;
  for await (const chunk of bytes) {
    await write(chunk);
    written += chunk.length;
  }
  return written;
}

function writerProperties({ columns, compression, rowGroupRows, metadata }: TableOptions) {
  let builder = new WriterPropertiesBuilder()
    .setCreatedBy(CREATED_BY)
    .setCompression({ zstd: Compression.ZSTD, gzip: Compression.GZIP, none: Compression.UNCOMPRESSED }[compression])
    .setStatisticsEnabled(EnabledStatistics.Page)
    .setMaxRowGroupSize(rowGroupRows)
    .setMaxRowGroupBytes(ROW_GROUP_BYTES)
    .setKeyValueMetadata(new Map([[METADATA_KEY, JSON.stringify(metadata)]]));
  for (const { name, dictionary, compressed = true } of columns) {
    builder = builder.setColumnDictionaryEnabled(name, dictionary);
    if (!compressed) builder = builder.setColumnCompression(name, Compression.UNCOMPRESSED);
  }
  return builder.build();
}

function toEncoderBatch(schema: Schema, rows: number, columns: readonly ColumnData[]): EncoderBatch {
  const children = schema.fields.map(({ type }, i) => {
    const column = columns[i]!;
    const validity = column.validity ? { nullCount: -1, nullBitmap: column.validity } : { nullCount: 0 };
    return 'values' in column
      ? makeData({ type, length: rows, ...validity, data: column.values })
      : makeData({ type, length: rows, ...validity, valueOffsets: column.offsets, data: column.bytes });
  });
  const data = makeData({ type: new Struct(schema.fields), length: rows, nullCount: 0, children });
  const table = EncoderTable.fromIPCStream(tableToIPC(new Table([new RecordBatch(schema, data)]), 'stream'));
  try {
    return table.recordBatch(0)!;
  } finally {
    table.free();
  }
}

function emptyColumn({ type }: ColumnSpec): ColumnData {
  return type.ArrayType === Uint8Array
    ? { offsets: new Int32Array(1), bytes: new Uint8Array(0) }
    : { values: new type.ArrayType(0) };
}
