import { open, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { findStats, returnIfMissing } from '../base/missing-files.ts';
import { type ProgressState, parseProgressLine } from '../base/text/progress-text.ts';

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
/** Bytes at the end of a task's output that are searched for its last lines. */
const TAIL_BYTES = 4096;

/**
 * Reads the folders in which Nextflow runs the tasks of a run. Remembers the tasks that have ended, so that each call reads the groups that
 * changed, and the tasks that run.
 */
export class TaskFolders {
  readonly #workDir: string;
  readonly #sinceMs: number;
  /** Time of change of each group of folders when it was listed. */
  readonly #listed = new Map<string, number>();
  readonly #open = new Set<string>();
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
    for (const folder of this.#open) {
      const exitCode = await readFile(join(folder, '.exitcode'), 'utf8').catch(returnIfMissing(undefined));
      if (exitCode !== undefined) {
        this.#open.delete(folder);
        this.#ended++;
        if (exitCode.trim() !== '0') this.#failed++;
        continue;
      }
      const begun = await findStats(join(folder, '.command.begin'));
      if (begun === undefined) waiting++;
      else running.push(await readTask(folder, begun.mtimeMs));
    }
    running.sort((a, b) => a.startedMs - b.startedMs);
    return { running, waiting, ended: this.#ended, failed: this.#failed };
  }

  async #findTasks(): Promise<void> {
    const groups = (await readdir(this.#workDir)).filter((name) => GROUP.test(name));
    for (const group of groups) {
      const changed = (await findStats(join(this.#workDir, group)))?.mtimeMs;
      // A folder that changed in the second in which it was listed may have changed since.
      if (changed === undefined || changed === this.#listed.get(group)) continue;
      if (Date.now() - changed > 2000) this.#listed.set(group, changed);
      for (const name of await readdir(join(this.#workDir, group)))
        if (TASK.test(name)) await this.#addTask(join(this.#workDir, group, name));
    }
  }

  readonly #known = new Set<string>();

  async #addTask(folder: string): Promise<void> {
    if (this.#known.has(folder)) return;
    const script = await findStats(join(folder, '.command.run'));
    // Nextflow is still writing it.
    if (script === undefined) return;
    this.#known.add(folder);
    if (script.mtimeMs >= this.#sinceMs) this.#open.add(folder);
  }
}

async function readTask(folder: string, startedMs: number): Promise<RunningTask> {
  const script = await readEdge(join(folder, '.command.run'), 'start');
  const [, name = folder.slice(-33)] =
    /^### name: '(.*)'$/m.exec(script) ?? /^# NEXTFLOW TASK: (.*)$/m.exec(script) ?? [];
  const lines = (await readEdge(join(folder, '.command.err'), 'end')).split('\n').filter((line) => line.trim() !== '');
  const states = lines.map(parseProgressLine).filter((state) => state !== undefined);
  return { name: name.replace(/^(?:\w+:)+/, ''), startedMs, progress: states.at(-1), lastLine: lines.at(-1) ?? '' };
}

/** Reads the first or last bytes of a text; an empty text for a missing file. */
async function readEdge(path: string, edge: 'start' | 'end'): Promise<string> {
  const file = await open(path, 'r').catch(returnIfMissing(undefined));
  if (file === undefined) return '';
  try {
    const position = edge === 'start' ? 0 : Math.max(0, (await file.stat()).size - TAIL_BYTES);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(TAIL_BYTES), 0, TAIL_BYTES, position);
    return buffer.toString('utf8', 0, bytesRead);
  } finally {
    await file.close();
  }
}
