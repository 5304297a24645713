import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { appendFileSync, existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, onTestFinished } from 'vitest';

/** The repository's root. */
export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

export interface Finished {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

/** Runs a program to its end. Nothing passes through a shell. */
export function run(program: string, args: readonly string[], options: SpawnOptions = {}): Promise<Finished> {
  return finish(spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], ...options }));
}

/** Waits for a started program. @returns its exit code and output */
export function finish(child: ChildProcess): Promise<Finished> {
  return new Promise((resolve, reject) => {
    let stdout = '';
    let stderr = '';
    child.stdout?.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
}

/** Runs `bin/lanceflow` with these arguments. */
export function lanceflow(args: readonly string[], options: SpawnOptions = {}): Promise<Finished> {
  return run(join(ROOT, 'bin/lanceflow'), args, options);
}

/** Runs a command that must succeed, with `--json`. @returns its report */
export async function lanceflowJson(
  args: readonly string[],
  options: SpawnOptions = {},
): Promise<Record<string, unknown> & { rows: number; bytes: number }> {
  const { code, stdout, stderr } = await lanceflow([...args, '--json'], options);
  if (code !== 0) throw new Error(`lanceflow ${args.join(' ')} ended with ${code}:\n${stderr}`);
  return JSON.parse(stdout);
}

/** Creates a folder for one test, which is removed when the test ends, also when it fails. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'lanceflow-test-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

const sharedFolders: string[] = [];

// Registered when a test file is loaded, because it would never run from inside a `beforeAll`.
afterAll(async () => {
  for (const folder of sharedFolders.splice(0)) await rm(folder, { recursive: true, force: true });
});

/** Creates a folder for all tests of a file, in a `beforeAll`; it is removed after the last test. */
export async function sharedFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'lanceflow-test-'));
  sharedFolders.push(folder);
  return folder;
}

/** The Python of `npm run setup:python`, with h5py, lancedb, pandas and duckdb; undefined where it is missing. */
const PYTHON = ((path) => (existsSync(path) ? path : undefined))(join(ROOT, '.tools/python/bin/python'));

/**
 * Returns true where tests must be skipped because a component is missing. Warns on standard error; with CI=true, a missing
 * component is a failure.
 */
export function missing(component: unknown, what: string): boolean {
  if (component) return false;
  if (process.env.CI === 'true') throw new Error(`${what} is missing, and CI must not skip tests`);
  tellSkipped(`${what} is missing`, what);
  return true;
}

/** Warns on standard error that tests are skipped. @param what is missing, for the last lines of scripts/test.mjs */
export function tellSkipped(why: string, what: string): void {
  console.warn(`\n*** SKIPPED: ${why} ***\n`);
  if (process.env.LANCEFLOW_TEST_MISSING) appendFileSync(process.env.LANCEFLOW_TEST_MISSING, `${what}\n`);
}

let askedForPython = false;

/** Returns true where tests with the Python of `npm run setup:python` must be skipped; see `missing`. */
export function missingPython(): boolean {
  askedForPython = true;
  return missing(PYTHON, 'Python (npm run setup:python)');
}

/** Returns the Python of the tests. @throws where the test file did not call `missingPython`, even if Python is installed */
export function requirePython(): string {
  if (PYTHON !== undefined && askedForPython) return PYTHON;
  throw new Error('A test that runs Python must be skipped where Python is missing: call missingPython() first');
}

/** Returns whether a program is on PATH. */
export function hasProgram(name: string): boolean {
  return (process.env.PATH ?? '').split(delimiter).some((folder) => existsSync(join(folder, name)));
}

/** Runs Python code with arguments, and returns its JSON output. Its test calls `missingPython` first. */
export async function python<T = unknown>(code: string, ...args: string[]): Promise<T> {
  const { code: exit, stdout, stderr } = await run(requirePython(), ['-c', code, ...args]);
  if (exit !== 0) throw new Error(`Python ended with ${exit}:\n${stderr}`);
  return (stdout.trim() === '' ? undefined : JSON.parse(stdout)) as T;
}
