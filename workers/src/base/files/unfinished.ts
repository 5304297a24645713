import { existsSync, rmSync } from 'node:fs';

const REMOVE_LIMIT_MS = 5000;
const REMOVE_QUIET_MS = 250;
const REMOVE_STEP_MS = 25;

/** Paths to remove when a signal stops the process. */
export const unfinishedPaths = new Set<string>();

/**
 * Removes the unfinished paths while threads of LanceDB may still write to them: a thread that finishes a file recreates its folder.
 * Synchronous, so that JavaScript starts no new work; returns when no path has reappeared for REMOVE_QUIET_MS.
 */
export function removeUnfinished(): void {
  const paths = [...unfinishedPaths];
  if (paths.length === 0) return;
  const end = performance.now() + REMOVE_LIMIT_MS;
  for (let quietMs = 0; quietMs < REMOVE_QUIET_MS && performance.now() < end; quietMs += REMOVE_STEP_MS) {
    for (const path of paths.filter((each) => existsSync(each))) {
      quietMs = 0;
      try {
        rmSync(path, { recursive: true, force: true });
      } catch {
        // A file appeared while its folder was being removed: the next round removes it.
      }
    }
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, REMOVE_STEP_MS);
  }
}
