import { openAsBlob } from 'node:fs';
import { open } from 'node:fs/promises';
import { type Field, tableFromIPC } from 'apache-arrow';
import { type Compression, type RecordBatch as DecodedBatch, ParquetFile } from 'parquet-wasm';
import { catchTraps } from '../../base/concurrency/catch-traps.ts';
import { DataError, TransientError, toUserError, UserError } from '../../base/errors.ts';
import { isRecord, parseJson } from '../../base/text/document.ts';
import { HIT_MESSAGES } from '../hit-messages.ts';
import { CREATED_BY, METADATA_KEY } from './table-writer.ts';

/** The footer's description of a row group. */
export interface RowGroup {
  rows: number;
  compressedBytes: number;
  bytes: number;
  columns: readonly { name: string; compressedBytes: number; compression: Compression }[];
}

/** An open Parquet file, of which only the footer has been read. */
export interface ParquetSource {
  readonly path: string;
  readonly rows: number;
  readonly rowGroups: readonly RowGroup[];
  readonly fields: readonly Field[];
  /** Whether LanceFlow wrote the file (see CREATED_BY). */
  readonly ours: boolean;
  /** Key-value metadata of a file that LanceFlow wrote; empty otherwise. */
  readonly metadata: ReadonlyMap<string, string>;
  /** Streams one row group; the caller frees the batches. @param limit rows after which it stops */
  batches(rowGroup: number, columns: string[], batchRows: number, limit?: number): AsyncGenerator<DecodedBatch>;
  close(): void;
}

/**
 * Opens a Parquet file.
 * @throws DataError if the file does not exist, is not Parquet, or is truncated
 */
export async function openParquet(path: string): Promise<ParquetSource> {
  await checkHead(path);
  const file = await decoding(path, 'footer', async () => ParquetFile.fromFile(await openAsBlob(path)));
  const metadata = file.metadata();
  const groups = metadata.rowGroups().map((group) => ({
    rows: group.numRows(),
    compressedBytes: group.compressedSize(),
    bytes: group.totalByteSize(),
    columns: group.columns().map((column) => ({
      name: column.columnPath().join('.'),
      compressedBytes: column.compressedSize(),
      compression: column.compression(),
    })),
  }));
  const ours = metadata.fileMetadata().createdBy() === CREATED_BY;
  const pairs: ReadonlyMap<string, string> = ours ? readPairs(metadata.fileMetadata().keyValueMetadata()) : new Map();
  return {
    path,
    rows: groups.reduce((sum, { rows }) => sum + rows, 0),
    rowGroups: groups,
    fields: tableFromIPC(file.schema().intoIPCStream()).schema.fields,
    ours,
    metadata: pairs,
    async *batches(rowGroup, columns, batchRows, limit) {
      const part = `row group ${rowGroup}`;
      const options = { rowGroups: [rowGroup], columns, batchSize: batchRows, limit };
      const stream: ReadableStream<DecodedBatch> = await decoding(path, part, () => file.stream(options));
      const reader = stream.getReader();
      let stoppedEarly = false;
      try {
        for (;;) {
          const { done, value } = await decoding(path, part, () => reader.read());
          if (done) return;
          stoppedEarly = true;
          yield value;
          stoppedEarly = false;
        }
      } finally {
        // Not after a failure: a decoder that failed may never answer.
        if (stoppedEarly) await reader.cancel();
      }
    },
    close: () => file.free(),
  };
}

async function checkHead(path: string): Promise<void> {
  const head = Buffer.alloc(4);
  try {
    const file = await open(path);
    try {
      await file.read(head, 0, 4, 0);
    } finally {
      await file.close();
    }
  } catch (error) {
    const known = toUserError(error);
    // The error for a folder does not name it.
    if (known instanceof DataError && !known.message.includes(path))
      throw new DataError(`${path}: ${known.message}`, { cause: error });
    throw known;
  }
  if (head.toString('latin1') !== 'PAR1') throw new DataError(HIT_MESSAGES.notParquet(path));
}

/** Runs one step of the decoder, and turns its errors into errors that name the file and its part. */
async function decoding<T>(path: string, part: string, step: () => Promise<T>): Promise<T> {
  try {
    return await catchTraps(step);
  } catch (error) {
    const known = toUserError(error);
    if (known instanceof UserError) throw known;
    // Node.js throws this error for a file that the system failed to read, or whose length changed.
    if (error instanceof Error && error.name === 'NotReadableError')
      throw new TransientError(HIT_MESSAGES.unreadable(path, part, error.message), { cause: error });
    const reason = error instanceof Error ? error.message : String(error);
    throw new DataError(HIT_MESSAGES.damaged(path, part, reason), { cause: error });
  }
}

function readPairs(metadata: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  const pairs = parseJson(metadata.get(METADATA_KEY) ?? '');
  if (!isRecord(pairs)) return new Map();
  return new Map(Object.entries(pairs).map(([name, value]) => [name, String(value)]));
}
