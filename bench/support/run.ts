import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));
export const PYTHON = join(ROOT, '.tools/python/bin/python');
export const LANCEFLOW = join(ROOT, 'bin/lanceflow');

/** The total cost of a process, and the JSON object that it printed last. */
export interface Measured {
  seconds: number;
  cpuSeconds: number;
  peakMemoryBytes: number;
  output: Record<string, unknown>;
}

/** Runs a program. @returns its standard output */
export function capture(program: string, args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    let text = '';
    child.stdout.setEncoding('utf8').on('data', (part: string) => {
      text += part;
    });
    child.on('error', reject);
    child.on('close', (code) =>
      code === 0 ? resolve(text) : reject(new Error(`${program} ${args.join(' ')} ended with ${code}`)),
    );
  });
}

/** Runs a program and measures it by the operating system's accounting. */
export async function measure(program: string, args: readonly string[]): Promise<Measured> {
  return JSON.parse(await capture(PYTHON, [join(ROOT, 'bench/support/measure.py'), program, ...args]));
}

/** Returns minimum, median and maximum. */
export function spread(values: readonly number[]): { min: number; median: number; max: number } {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  const median = sorted.length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2;
  return { min: sorted[0]!, median, max: sorted.at(-1)! };
}

export function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** Runs a benchmark in the named folder, which is kept, or in a temporary one, which is removed. */
export async function withFolder<T>(named: string | undefined, use: (folder: string) => Promise<T>): Promise<T> {
  if (named !== undefined) return use(named);
  const folder = await mkdtemp(join(tmpdir(), 'lanceflow-bench-'));
  try {
    return await use(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
