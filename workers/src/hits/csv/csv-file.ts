import { createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import type { Writable } from 'node:stream';
import { finished, pipeline } from 'node:stream/promises';
import { createGzip, createZstdCompress } from 'node:zlib';
import type { NeighbourColumns } from '../columns.ts';
import type { ExtraField } from '../extra-column.ts';
import { createCsvFormatter, csvHeader } from './csv-format.ts';

/** Writes neighbours as CSV, batch by batch. */
export interface CsvWriter {
  append(rows: NeighbourColumns): Promise<void>;
  /** Completes the file. @returns its size in bytes */
  finish(): Promise<number>;
  /** Closes and deletes the file. */
  abandon(): Promise<void>;
}

export type CsvCompression = 'none' | 'gzip' | 'zstd';

/** Returns the compression of a CSV file by its name. */
export function csvCompression(name: string): CsvCompression {
  return /\.gz$/i.test(name) ? 'gzip' : /\.zst$/i.test(name) ? 'zstd' : 'none';
}

/**
 * Creates a CSV file at `path` (a temporary name: see `writeAtomically`) and writes its header.
 * @param extra extra columns of the rows
 */
export async function createCsv(
  path: string,
  compression: CsvCompression,
  forSpreadsheets = false,
  extra: readonly ExtraField[] = [],
): Promise<CsvWriter> {
  const file = createWriteStream(path);
  const compressor = { none: () => undefined, gzip: createGzip, zstd: createZstdCompress }[compression]();
  const head: Writable = compressor ?? file;
  const written = compressor ? pipeline(compressor, file) : finished(file);
  written.catch(() => {}); // the caller that awaits it receives the error
  const write = async (chunk: string | Uint8Array) => {
    try {
      // When the callback is called, the chunk has been compressed or written, so the formatter may reuse its buffer.
      await new Promise<void>((resolve, reject) => {
        head.write(chunk, (error) => (error ? reject(error) : resolve()));
      });
    } catch (error) {
      // The stream's own error names the cause (a full disk); this one only says that the stream is closed.
      await written;
      throw error;
    }
  };
  const format = createCsvFormatter(forSpreadsheets, extra);
  await write(csvHeader(extra));
  return {
    append: (rows) => write(format(rows)),
    async finish() {
      head.end();
      await written;
      return file.bytesWritten;
    },
    async abandon() {
      head.destroy();
      file.destroy();
      await written.catch(() => {}); // the caller already has the error
      await rm(path, { force: true });
    },
  };
}
