import { writevSync } from 'node:fs';

/**
 * Writes pieces end to end and waits for it: for worker threads, which have nothing else to do. The threads that Node.js keeps for
 * files are few, and shared by all workers.
 * @param file a descriptor
 * @param position of the first byte
 */
export function writePieces(file: number, pieces: readonly Uint8Array[], position: number): void {
  let rest = pieces.filter(({ length }) => length > 0);
  // A system call may write fewer bytes than requested.
  for (let at = position; rest.length > 0; ) {
    let written = writevSync(file, rest, at);
    at += written;
    const unfinished = rest.findIndex(({ length }) => {
      if (written < length) return true;
      written -= length;
      return false;
    });
    rest = unfinished < 0 ? [] : [rest[unfinished]!.subarray(written), ...rest.slice(unfinished + 1)];
  }
}
