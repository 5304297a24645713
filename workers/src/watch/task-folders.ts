import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { findStats, returnIfMissing } from '../base/missing-files.ts';
import { type ProgressState, parseProgressLine } from '../base/text/progress-text.ts';
import { readEnd, readStart } from './read-edge.ts';

/** A task of the run that has begun and has not ended. */
export interface RunningTask {
  /** "SEARCH_BUCKET (bucket_00001)". */
  name: string;
  startedMs: number;
  /** Of the last line that reports any. */
  progress: ProgressState | undefined;
  /** The last line of its output on standard error; empty if it has none. */
  lastLine: string;
}

/** The tasks of a run at one moment. */
export interface RunState {
  running: RunningTask[];
  /** Tasks that were submitted and have not begun. */
  waiting: number;
  ended: number;
  /** Ended with another exit code than 0, so some were retried. */
  failed: number;
}

const GROUP = /^[0-9a-f]{2}$/;
const TASK = /^[0-9a-f]{30}$/;
const SCRIPT = '.command.run';
/** Bytes at the start of a task's script that are searched for its name, and at the end of its output for its last lines. */
const EDGE_BYTES = 4096;

/**
 * Reads the folders in which Nextflow runs the tasks of a run. Remembers the tasks that have ended, so that each call reads the groups that
 * changed, and the tasks that run.
 */
export class TaskFolders {
  readonly #workDir: string;
  readonly #sinceMs: number;
  /** Time of change of each group of folders when it was listed. */
  readonly #listed = new Map<string, number>();
  readonly #known = new Set<string>();
  /** Folders of tasks that have not ended, and their names once they were read from the script. */
  readonly #open = new Map<string, string | undefined>();
  #ended = 0;
  #failed = 0;

  /** @param sinceMs start of the run: folders of tasks before are those of other runs */
  constructor(workDir: string, sinceMs: number) {
    this.#workDir = workDir;
    this.#sinceMs = sinceMs;
  }

  /** @throws the system's error if the work folder cannot be read */
  async read(): Promise<RunState> {
    await this.#findTasks();
    const running: RunningTask[] = [];
    let waiting = 0;
    for (const [folder, known] of this.#open) {
      const exitCode = await readFile(join(folder, '.exitcode'), 'utf8').catch(returnIfMissing(undefined));
      if (exitCode !== undefined) {
        this.#open.delete(folder);
        this.#ended++;
        if (exitCode.trim() !== '0') this.#failed++;
        continue;
      }
      const begun = await findStats(join(folder, '.command.begin'));
      if (begun !== undefined) {
        const name = known ?? (await readName(folder));
        this.#open.set(folder, name);
        running.push({ name, startedMs: begun.mtimeMs, ...(await readOutput(folder)) });
      } else if (await findStats(join(folder, SCRIPT))) waiting++;
      // The user removed the folder.
      else this.#open.delete(folder);
    }
    running.sort((a, b) => a.startedMs - b.startedMs);
    return { running, waiting, ended: this.#ended, failed: this.#failed };
  }

  async #findTasks(): Promise<void> {
    const groups = (await readdir(this.#workDir)).filter((name) => GROUP.test(name));
    for (const group of groups) {
      const path = join(this.#workDir, group);
      const changed = (await findStats(path))?.mtimeMs;
      // A group that did not change since the run was started has none of its tasks.
      if (changed === undefined || changed < this.#sinceMs || changed === this.#listed.get(group)) continue;
      const names = (await readdir(path).catch(returnIfMissing<string[]>([]))).filter((name) => TASK.test(name));
      let areComplete = true;
      for (const name of names) if (!(await this.#addTask(join(path, name)))) areComplete = false;
      // A folder that changed in the second in which it was listed may have changed since.
      if (areComplete && Date.now() - changed > 2000) this.#listed.set(group, changed);
    }
  }

  /** @returns whether the task's script exists: Nextflow writes it after it created the folder */
  async #addTask(folder: string): Promise<boolean> {
    if (this.#known.has(folder)) return true;
    const script = await findStats(join(folder, SCRIPT));
    if (script === undefined) return false;
    this.#known.add(folder);
    if (script.mtimeMs >= this.#sinceMs) this.#open.set(folder, undefined);
    return true;
  }
}

/** Reads the name of a task from its script. */
async function readName(folder: string): Promise<string> {
  const script = await readStart(join(folder, SCRIPT), EDGE_BYTES);
  const [, name = folder.slice(-33)] =
    /^### name: '(.*)'$/m.exec(script) ?? /^# NEXTFLOW TASK: (.*)$/m.exec(script) ?? [];
  return name.replace(/^(?:\w+:)+/, '');
}

async function readOutput(folder: string): Promise<Pick<RunningTask, 'progress' | 'lastLine'>> {
  const output = await readEnd(join(folder, '.command.err'), EDGE_BYTES);
  // Other programs redraw their progress after a carriage return.
  const lines = output.split(/[\r\n]/).filter((line) => line.trim() !== '');
  const states = lines.map(parseProgressLine).filter((state) => state !== undefined);
  return { progress: states.at(-1), lastLine: lines.at(-1) ?? '' };
}
