import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';

/** Files by path, with values that change when they are written. */
export type Snapshot = Map<string, string>;

export async function snapshot(folder: string): Promise<Snapshot> {
  const files: Snapshot = new Map();
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    const { size, mtimeMs, ino } = await lstat(path);
    files.set(path.slice(folder.length + 1), entry.isDirectory() ? 'folder' : `${size} ${mtimeMs} ${ino}`);
  }
  return files;
}

const TEMPORARY = /\.tmp$|\.tmp\/|\.lock(\/|$)|\.holder$/;

/**
 * Finds files that commands left or changed and should not have.
 * @param may paths and folders that they may write
 */
export function tracesOf(before: Snapshot, after: Snapshot, may: readonly string[]): string[] {
  const allowed = (path: string) => may.some((one) => path === one || path.startsWith(`${one}/`));
  const traces: string[] = [];
  for (const [path, state] of after) {
    if (TEMPORARY.test(path) && !before.has(path)) traces.push(`${path} is left`);
    else if (allowed(path)) continue;
    else if (!before.has(path)) traces.push(`${path} was made`);
    else if (before.get(path) !== state) traces.push(`${path} was changed`);
  }
  for (const path of before.keys()) if (!after.has(path) && !allowed(path)) traces.push(`${path} was removed`);
  return traces;
}
