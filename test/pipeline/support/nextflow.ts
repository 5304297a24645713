import { type ChildProcess, spawn } from 'node:child_process';
import { cp, mkdir, readdir, readFile, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { type Finished, ROOT, run } from '../../support/run.ts';

export const NEXTFLOW = join(ROOT, 'bin/nextflow');

/** Runs Nextflow in a folder of the test, apart from other runs on the machine. */
export function nextflow(args: readonly string[], cwd: string, env: NodeJS.ProcessEnv = {}): Promise<Finished> {
  return run(NEXTFLOW, args, { cwd, env: { ...process.env, ...env } });
}

/** Runs the pipeline to its end. @throws where it fails, with its output */
export async function pipeline(
  args: readonly string[],
  cwd: string,
  home = ROOT,
  env: NodeJS.ProcessEnv = {},
): Promise<Finished> {
  const finished = await nextflow(['run', join(home, 'main.nf'), ...args], cwd, env);
  if (finished.code !== 0)
    throw new Error(`the pipeline ended with ${finished.code}:\n${finished.stdout}\n${finished.stderr}`);
  return finished;
}

/** Starts the pipeline without waiting. */
export function startPipeline(args: readonly string[], cwd: string, env: NodeJS.ProcessEnv = {}): ChildProcess {
  return spawn(NEXTFLOW, ['run', join(ROOT, 'main.nf'), ...args], {
    cwd,
    stdio: 'ignore',
    env: { ...process.env, ...env },
  });
}

export interface TracedTask {
  /** EMBED_SEQUENCES, ... without the workflows' names. */
  process: string;
  /** The task's bucket or file; empty where a process has one task only. */
  tag: string;
  status: string;
  hash: string;
}

/** Reads the tasks of the last run from Nextflow's trace file. */
export async function readTrace(outdir: string): Promise<TracedTask[]> {
  const text = await readFile(join(outdir, 'pipeline_info/execution_trace.txt'), 'utf8');
  const [head = '', ...lines] = text.trimEnd().split('\n');
  const columns = head.split('\t');
  const cell = (line: string, name: string) => line.split('\t')[columns.indexOf(name)] ?? '';
  return lines.map((line) => {
    const [, process = '', tag = ''] = /^(?:\w+:)*(\w+)(?: \((.*)\))?$/.exec(cell(line, 'name')) ?? [];
    return { process, tag, status: cell(line, 'status'), hash: cell(line, 'hash') };
  });
}

/** Counts the tasks of each process that ran, and those that were cached. */
export async function countTasks(
  outdir: string,
): Promise<{ ran: Record<string, number>; cached: Record<string, number> }> {
  const counts = { ran: {} as Record<string, number>, cached: {} as Record<string, number> };
  for (const { process, status } of await readTrace(outdir)) {
    const kind = status === 'CACHED' ? counts.cached : counts.ran;
    kind[process] = (kind[process] ?? 0) + 1;
  }
  return counts;
}

/** Copies the pipeline, so that a test can change it. */
export async function copyPipeline(to: string, withDependencies: boolean): Promise<string> {
  await mkdir(join(to, 'test/pipeline'), { recursive: true });
  const files = ['main.nf', 'nextflow.config', 'nextflow_schema.json', 'package.json', 'package-lock.json'];
  for (const path of [...files, 'bin', 'conf', 'lib', 'modules', 'workflows', 'workers', 'test/pipeline/data'])
    await cp(join(ROOT, path), join(to, path), { recursive: true });
  if (withDependencies) await symlink(join(ROOT, 'node_modules'), join(to, 'node_modules'));
  return to;
}

/** Reads every file below a folder, by its path in the folder. */
export async function snapshot(folder: string): Promise<Map<string, Buffer>> {
  const files = new Map<string, Buffer>();
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile()) files.set(path.slice(folder.length + 1), await readFile(path));
  }
  return files;
}
