import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { RedrawnText } from '../app/terminal.ts';
import { UsageError } from '../base/errors.ts';
import { returnIfMissing } from '../base/missing-files.ts';
import { hasEnded } from './head-process.ts';
import { KILLED } from './pipeline-run.ts';
import { readRunLog, readRuns } from './run-history.ts';
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

/** Longest delay of a timer, in milliseconds: longer ones end at once. */
const LONGEST_DELAY_MS = 2 ** 31 - 1;

/**
 * Shows the tasks of the latest run of a folder until the run ends, its process on this machine is killed, or another run is started there.
 * @returns the last state
 * @throws UsageError if there is no run, or its work folder cannot be read here
 */
export async function watchRun(request: WatchRequest, display: Pick<RedrawnText, 'size' | 'show'>) {
  const { launchDir } = request;
  let run = (await readRuns(launchDir)).at(-1);
  if (run === undefined) throw new UsageError(WATCH_MESSAGES.noRun(resolve(launchDir)));
  const { name, startedMs } = run;
  const log = await readRunLog(launchDir, name);
  const workDir = workDirOf(request, log.workDir);
  let { head } = log;
  if (workDir.includes('://')) throw new UsageError(WATCH_MESSAGES.onS3(workDir));
  const folders = new TaskFolders(workDir, startedMs);
  for (;;) {
    // Before the record is read, which Nextflow writes before its process ends.
    const isKilled = head !== undefined && (await hasEnded(head));
    const runs = await readRuns(launchDir);
    // Nextflow empties its record while it writes it.
    run = runs.findLast((one) => one.name === name) ?? run;
    if (isKilled) run = { ...run, status: run.status ?? KILLED };
    // A run that has just begun has no work folder yet.
    const state = await folders.read().catch(returnIfMissing<RunState | undefined>(undefined));
    if (state === undefined && request.workDir !== undefined) throw new UsageError(WATCH_MESSAGES.noWorkDir(workDir));
    const shown = state ?? { running: [], waiting: 0, ended: 0, failed: 0 };
    display.show(watchText(run, shown, Date.now(), display.size()));
    const isLatest = (runs.at(-1) ?? run).name === name;
    if (request.once || run.status !== undefined || !isLatest) return { run, state: shown };
    // The log of a run that has just begun does not name its process yet.
    head ??= (await readRunLog(launchDir, name)).head;
    await sleep(Math.min(request.intervalMs, LONGEST_DELAY_MS));
  }
}

function workDirOf({ launchDir, workDir }: WatchRequest, logged = 'work'): string {
  const known = workDir ?? logged;
  return known.includes('://') ? known : resolve(workDir === undefined ? launchDir : '.', known);
}
