import { setTimeout as sleep } from 'node:timers/promises';
import type { RedrawnText } from '../app/terminal.ts';
import { UsageError } from '../base/errors.ts';
import { returnIfMissing } from '../base/missing-files.ts';
import { readLatestRun } from './run-history.ts';
import { type RunState, TaskFolders } from './task-folders.ts';
import { WATCH_MESSAGES } from './watch-messages.ts';
import { watchText } from './watch-text.ts';

export interface WatchRequest {
  launchDir: string;
  workDir: string | undefined;
  /** Whether to show one state only. */
  once: boolean;
  intervalMs: number;
}

/**
 * Shows the tasks of the latest run of a folder until the run ends.
 * @returns the last state
 * @throws UsageError if there is no run, or its work folder cannot be read here
 */
export async function watchRun(request: WatchRequest, display: Pick<RedrawnText, 'size' | 'show'>) {
  const first = await readLatestRun(request.launchDir, request.workDir);
  if (first.workDir.includes('://')) throw new UsageError(WATCH_MESSAGES.onS3(first.workDir));
  const folders = new TaskFolders(first.workDir, first.startedMs);
  for (;;) {
    const run = { ...(await readLatestRun(request.launchDir, request.workDir)), workDir: first.workDir };
    // A run that has just begun has no work folder yet.
    const state = await folders.read().catch(returnIfMissing<RunState | undefined>(undefined));
    if (state === undefined && request.workDir !== undefined)
      throw new UsageError(WATCH_MESSAGES.noWorkDir(first.workDir));
    const shown = state ?? { running: [], waiting: 0, ended: 0, failed: 0 };
    display.show(watchText(run, shown, Date.now(), display.size()));
    if (request.once || run.status !== undefined || run.name !== first.name) return { run, state: shown };
    await sleep(request.intervalMs);
  }
}
