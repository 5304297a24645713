import { tmpdir } from 'node:os';
import { openScratch } from '../base/files/scratch.ts';

let own: Promise<string | undefined> | undefined;
let users = 0;
let before: string | undefined;

/**
 * Runs `use` while this process's folder for temporary files is one of its own. It is removed when the process ends or, after a kill, by the
 * next one: LanceDB makes a folder for each connection, and leaves it when the process ends.
 */
export async function withOwnTemporaryFolder<T>(use: () => Promise<T>): Promise<T> {
  // Where no folder can be made, the system's will do.
  own ??= openScratch(tmpdir(), 'lanceflow-lancedb').then(
    ({ folder }) => folder,
    () => undefined,
  );
  const folder = await own;
  if (users++ === 0) before = process.env.TMPDIR;
  if (folder !== undefined) process.env.TMPDIR = folder;
  try {
    return await use();
  } finally {
    if (--users === 0) {
      if (before === undefined) delete process.env.TMPDIR;
      else process.env.TMPDIR = before;
    }
  }
}
