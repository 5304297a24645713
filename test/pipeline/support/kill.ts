import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { run } from '../../support/run.ts';
import { waitUntil } from '../../support/wait.ts';

interface Process {
  pid: number;
  parent: number;
  command: string;
}

/** Lists the processes of the machine. */
export async function processes(): Promise<Process[]> {
  const { stdout } = await run('ps', ['-A', '-o', 'pid=,ppid=,args=']);
  return stdout.split('\n').flatMap((line): Process[] => {
    const match = /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line);
    return match ? [{ pid: Number(match[1]), parent: Number(match[2]), command: match[3]! }] : [];
  });
}

/** Lists a process and its descendants, itself first. */
export async function processTree(root: number): Promise<Process[]> {
  const all = await processes();
  const tree = all.filter(({ pid }) => pid === root);
  for (const { pid } of tree) tree.push(...all.filter(({ parent }) => parent === pid));
  return tree;
}

/** Finds the process that writes `.<name>.<host>.<pid>.<random>.tmp` in a folder now (see base/files/temporary.ts). */
export async function writerOf(folder: string, name: string): Promise<number | undefined> {
  const entries = await readdir(folder).catch(() => []);
  const found = entries.find((entry) => entry.startsWith(`.${name}.`) && entry.endsWith('.tmp'));
  return found === undefined ? undefined : Number(found.split('.').at(-3));
}

/** Waits for a moment of a run: until `look` finds something. @throws where the pipeline ends first, or after a limit */
export function momentOf<T>(pipeline: ChildProcess, what: string, look: () => Promise<T>) {
  return waitUntil(what, look, { during: pipeline, everyMs: 2 });
}

/**
 * Kills a pipeline while a worker works, as a crash of the machine would: the worker is stopped at once, then Nextflow and all its
 * descendants get SIGKILL.
 */
export async function killInTheMiddle(pipeline: ChildProcess, worker: number): Promise<void> {
  process.kill(worker, 'SIGSTOP');
  const tree = await processTree(pipeline.pid!);
  if (!tree.some(({ pid }) => pid === worker)) throw new Error(`process ${worker} is not of this pipeline`);
  const ended = once(pipeline, 'exit');
  for (const { pid } of tree) killIfThere(pid);
  await ended;
}

/** Kills a process and its descendants. */
export async function killTree(root: number): Promise<void> {
  for (const { pid } of await processTree(root)) killIfThere(pid);
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
