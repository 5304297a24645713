import { readSync } from 'node:fs';

/**
 * Fills a buffer with the bytes of a file from a position on: one system call may read only a part of them.
 * @param file descriptor @returns false where the file ends before
 */
export function fillFromFile(file: number, into: Uint8Array, position: number): boolean {
  for (let done = 0; done < into.length; ) {
    const read = readSync(file, into, done, into.length - done, position + done);
    if (read === 0) return false;
    done += read;
  }
  return true;
}
