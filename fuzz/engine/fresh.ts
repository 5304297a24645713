import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { StepResult } from './case.ts';
import type { Runner } from './one-run.ts';
import { type Ending, type Limits, quietEnvironment } from './pool.ts';

const LANCEFLOW = fileURLToPath(new URL('../../bin/lanceflow', import.meta.url));
const WATCH_MS = 50;
/** Memory of a command without input: Node.js and the native libraries. */
const BASE_BYTES = 450e6;

/** Runs each command line as a user does: with bin/lanceflow, in a new process. */
export function freshRunner(limits: Limits): Runner {
  return async (folder, steps) => {
    const results: StepResult[] = [];
    for (const argv of steps) {
      const ending = await runOne(folder, [...argv, '--json'], limits);
      if (ending.kind !== 'replied') return ending;
      results.push(...ending.reply.results);
      if (results.at(-1)!.code !== 0) break;
    }
    return { kind: 'replied', reply: { results, grownBytes: 0 } };
  };
}

function runOne(cwd: string, argv: readonly string[], limits: Limits): Promise<Ending> {
  return new Promise((resolve, reject) => {
    const child = spawn(LANCEFLOW, argv, { cwd, env: quietEnvironment(), stdio: ['ignore', 'pipe', 'pipe'] });
    let [stdout, stderr, ended] = ['', '', undefined as Ending | undefined];
    const stop = (ending: Ending) => {
      ended ??= ending;
      child.kill('SIGKILL');
    };
    const timer = setTimeout(() => stop({ kind: 'hung' }), limits.timeMs);
    const watch = setInterval(() => {
      const bytes = peakOf(child.pid!) - BASE_BYTES;
      if (bytes > limits.memoryBytes) stop({ kind: 'swollen', bytes });
    }, WATCH_MS);
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    child.on('error', reject);
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      clearInterval(watch);
      const crashed: Ending = { kind: 'crashed', how: `${signal}\n${stderr.slice(-4000)}` };
      const replied: Ending = {
        kind: 'replied',
        reply: { results: [{ code: code ?? 1, stdout, stderr }], grownBytes: 0 },
      };
      resolve(ended ?? (code === null ? crashed : replied));
    });
  });
}

function peakOf(pid: number): number {
  try {
    return 1024 * Number(/VmHWM:\s*(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0);
  } catch {
    return 0;
  }
}
