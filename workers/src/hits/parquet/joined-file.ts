import { open, rm } from 'node:fs/promises';
import { RowGroupJoiner } from './join-row-groups.ts';

/** Writes a Parquet file of row groups that were encoded apart. */
export interface JoinedFileWriter {
  /** Appends the row groups of a file in memory. */
  append(encoded: Uint8Array): Promise<void>;
  /** Ends the file. @returns its size in bytes */
  finish(): Promise<number>;
  /** Closes and deletes the file. */
  abandon(): Promise<void>;
}

/** Creates a Parquet file at `path` (a temporary name: see `writeAtomically`) of files of one schema; one without rows will do. */
export async function createJoinedFile(path: string): Promise<JoinedFileWriter> {
  const file = await open(path, 'w');
  const joiner = new RowGroupJoiner();
  let written = 0;
  const write = async (bytes: Uint8Array) => {
    await file.writeFile(bytes);
    written += bytes.length;
  };
  return {
    append: (encoded) => write(joiner.add(encoded)),
    async finish() {
      try {
        await write(joiner.finish());
        return written;
      } finally {
        await file.close();
      }
    },
    async abandon() {
      await file.close();
      await rm(path, { force: true });
    },
  };
}
