import { readFileSync } from 'node:fs';
import { busyThreads } from '../base/threads/busy-threads.ts';
import { endMonitoringByError } from './monitoring/monitor.ts';
import { restoreTerminal, sayOnly } from './terminal.ts';

const SIGNAL_MS = 1000;
/** Signals that stop a command, and the exit code of each. SIGHUP: the terminal was closed. */
const ENDING = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;
/** SIGHUP in the bits of /proc/self/status. */
const SIGHUP_BIT = 1n;

const cleanups = new Set<() => void>();

/** Runs a synchronous `cleanup` when a signal stops the process: Ctrl-C, a scheduler's SIGTERM, a closed terminal. */
export function onStop(cleanup: () => void): void {
  if (cleanups.size === 0) listen();
  cleanups.add(cleanup);
}

function listen(): void {
  for (const [signal, code] of Object.entries(ENDING) as ['SIGINT', number][])
    if (!isIgnored(signal)) process.once(signal, () => stop(signal, code));
}

function stop(signal: NodeJS.Signals, code: number): void {
  // Nextflow also kills the readers of this process's output. A failed write must not prevent the cleanup.
  process.stderr.on('error', () => {});
  const message = `Stopped by ${signal}; unfinished files are being removed. Run the same command again to continue.`;
  sayOnly(`\n${message}`);
  // Before the cleanup, which a second signal may cut short.
  endMonitoringByError(code, message);
  for (const cleanup of cleanups) cleanup();
  restoreTerminal();
  if (busyThreads.size > 0) {
    // `once` removed this handler, so the signal kills the process at once, unless it is process 1 of a container.
    process.kill(process.pid, signal);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, SIGNAL_MS);
  }
  process.exit(code);
}

/** Returns whether the process ignores SIGHUP (`nohup`), which a handler would undo. Known only on Linux. */
function isIgnored(signal: string): boolean {
  if (signal !== 'SIGHUP') return false;
  try {
    const [, bits = ''] = /^SigIgn:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? [];
    return (BigInt(`0x${bits}`) & SIGHUP_BIT) !== 0n;
  } catch {
    // On other systems SIGHUP keeps its default, which ends the process; the next run removes its unfinished files.
    return true;
  }
}
