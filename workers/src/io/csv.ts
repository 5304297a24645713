import { createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import type { Writable } from 'node:stream';
import { finished, pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import type { NeighbourColumns } from '../core/merge-batch.ts';
import { CSV_HEADER, createCsvFormatter } from '../core/merge-csv.ts';

/** Writes neighbours as CSV, batch by batch. */
export interface CsvWriter {
  append(rows: NeighbourColumns): Promise<void>;
  /** Ends the file. @returns its size in bytes */
  finish(): Promise<number>;
  /** Closes and deletes the file. */
  abandon(): Promise<void>;
}

/** Creates a CSV file at `path` (a temporary name: see `writeAtomically`), its header written. */
export async function createCsv(path: string, options: { gzip: boolean }): Promise<CsvWriter> {
  const file = createWriteStream(path);
  const gzip = options.gzip ? createGzip() : undefined;
  const head: Writable = gzip ?? file;
  const written = gzip ? pipeline(gzip, file) : finished(file);
  written.catch(() => {});
  const write = async (chunk: string | Uint8Array) => {
    try {
      // The callback comes when the chunk is compressed or written: its buffer may then be used again.
      await new Promise<void>((resolve, reject) => {
        head.write(chunk, (error) => (error ? reject(error) : resolve()));
      });
    } catch (error) {
      // The stream's own error says why (a full disk), this one only that the stream is gone.
      await written;
      throw error;
    }
  };
  const format = createCsvFormatter();
  await write(CSV_HEADER);
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
      await written.catch(() => {});
      await rm(path, { force: true });
    },
  };
}
