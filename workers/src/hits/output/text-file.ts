import { createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import type { Writable } from 'node:stream';
import { finished, pipeline } from 'node:stream/promises';
import { createGzip, createZstdCompress } from 'node:zlib';

export type TextCompression = 'none' | 'gzip' | 'zstd';

/** Returns the compression of a text file by its name. */
export function textCompression(name: string): TextCompression {
  return /\.gz$/i.test(name) ? 'gzip' : /\.zst$/i.test(name) ? 'zstd' : 'none';
}

/** Writes text chunk by chunk. */
export interface TextFile {
  /** Writes a chunk, which the caller may reuse afterwards. */
  write(chunk: string | Uint8Array): Promise<void>;
  /** Completes the file. @returns its size in bytes */
  finish(): Promise<number>;
  /** Closes and deletes the file. */
  abandon(): Promise<void>;
}

/** Creates a text file at `path` (a temporary name: see `writeAtomically`). */
export function createTextFile(path: string, compression: TextCompression): TextFile {
  const file = createWriteStream(path);
  const compressor = { none: () => undefined, gzip: createGzip, zstd: createZstdCompress }[compression]();
  const head: Writable = compressor ?? file;
  const written = compressor ? pipeline(compressor, file) : finished(file);
  written.catch(() => {}); // the caller that awaits it receives the error
  return {
    async write(chunk) {
      try {
        // When the callback is called, the chunk has been compressed or written.
        await new Promise<void>((resolve, reject) => {
          head.write(chunk, (error) => (error ? reject(error) : resolve()));
        });
      } catch (error) {
        // The stream's own error names the cause (a full disk); this one only says that the stream is closed.
        await written;
        throw error;
      }
    },
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
