import { type ChildProcess, fork } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Order, Reply } from './executor.ts';

const EXECUTOR = fileURLToPath(new URL('executor.ts', import.meta.url));
const WATCH_MS = 200;
/** Number of runs after which a process is replaced, so that its leftovers in memory affect few other runs. */
const RUNS_OF_A_PROCESS = 150;
const SHOWN_TAIL = 4000;

/** The end of a run, as seen from outside the process. */
export type Ending =
  | { kind: 'replied'; reply: Reply }
  | { kind: 'crashed'; how: string }
  | { kind: 'hung' }
  | { kind: 'swollen'; bytes: number };

export interface Limits {
  timeMs: number;
  /** Largest growth of memory during a run. */
  memoryBytes: number;
}

/** A process that runs orders one at a time. A new one replaces it when it ends or is killed. */
export class Executor {
  readonly #limits: Limits;
  #child: ChildProcess | undefined;
  #runs = 0;
  #tail = '';

  constructor(limits: Limits) {
    this.#limits = limits;
  }

  run(order: Order): Promise<Ending> {
    if (this.#runs++ >= RUNS_OF_A_PROCESS) this.stop();
    this.#child ??= this.#start();
    const child = this.#child;
    const base = residentBytes(child.pid!);
    return new Promise((resolve) => {
      const settle = (ending: Ending) => {
        clearTimeout(timer);
        clearInterval(watch);
        child.removeAllListeners('message').removeAllListeners('exit');
        if (ending.kind !== 'replied') this.stop();
        resolve(ending);
      };
      const timer = setTimeout(() => settle({ kind: 'hung' }), this.#limits.timeMs);
      const watch = setInterval(() => {
        const grown = residentBytes(child.pid!) - base;
        if (grown > 2 * this.#limits.memoryBytes) settle({ kind: 'swollen', bytes: grown });
      }, WATCH_MS);
      child.once('message', (reply) => settle({ kind: 'replied', reply: reply as Reply }));
      child.once('exit', (code, signal) => {
        this.#child = undefined;
        settle({ kind: 'crashed', how: `${signal ?? `exit ${code}`}\n${this.#tail}` });
      });
      child.send(order);
    });
  }

  stop(): void {
    this.#child?.removeAllListeners();
    this.#child?.kill('SIGKILL');
    this.#child = undefined;
    this.#runs = 0;
  }

  #start(): ChildProcess {
    this.#tail = '';
    const child = fork(EXECUTOR, { stdio: ['ignore', 'ignore', 'pipe', 'ipc'], env: quietEnvironment() });
    child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.#tail = (this.#tail + text).slice(-SHOWN_TAIL);
    });
    return child;
  }
}

/** An environment without this machine's AWS settings, and with an endpoint where nobody answers. */
export function quietEnvironment(): NodeJS.ProcessEnv {
  return {
    ...process.env,
    NO_COLOR: '1',
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'fuzz',
    AWS_SECRET_ACCESS_KEY: 'fuzz',
    AWS_ENDPOINT_URL: 'http://127.0.0.1:9',
    AWS_MAX_ATTEMPTS: '1',
    AWS_EC2_METADATA_DISABLED: 'true',
    RUST_BACKTRACE: '0',
  };
}

/** Returns 0 where the process has ended, or the system is not Linux. */
export function residentBytes(pid: number): number {
  try {
    return 1024 * Number(/VmRSS:\s*(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0);
  } catch {
    return 0;
  }
}
