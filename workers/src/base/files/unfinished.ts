import { existsSync, rmSync } from 'node:fs';

const REMOVE_LIMIT_MS = 5000;
const REMOVE_QUIET_MS = 250;
const REMOVE_STEP_MS = 25;

/** Paths that are removed when the process is told to stop. */
export const unfinished = new Set<string>();

/**
 * Removes what threads of LanceDB may be writing still: one that finishes a file makes its folder anew. Synchronous,
 * so that this process begins nothing more meanwhile; done when nothing came back for a while.
 */
export function removeUnfinished(): void {
  const paths = [...unfinished];
  if (paths.length === 0) return;
  const end = performance.now() + REMOVE_LIMIT_MS;
  for (let quietMs = 0; quietMs < REMOVE_QUIET_MS && performance.now() < end; quietMs += REMOVE_STEP_MS) {
    for (const path of paths.filter((each) => existsSync(each))) {
      quietMs = 0;
      try {
        rmSync(path, { recursive: true, force: true });
      } catch {
        // A file came while its folder was being removed: the next round takes it.
      }
    }
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, REMOVE_STEP_MS);
  }
}
