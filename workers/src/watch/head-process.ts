import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { systemErrorCode } from '../base/errors.ts';

/** The process of Nextflow that submits the tasks of a run. */
export interface HeadProcess {
  pid: number;
  host: string;
}

/** Finds the process of a run in the start of its log. @returns undefined if the log is that of another run */
export function parseHead(log: string, runName: string): HeadProcess | undefined {
  const name = / - Run name: (\S+)$/m.exec(log)?.[1];
  const [, pid, host] = /^ {2}Process: (\d+)@(\S+)/m.exec(log) ?? [];
  return name === runName && pid !== undefined && host !== undefined ? { pid: Number(pid), host } : undefined;
}

/** Returns whether the process has ended. False if it is unknown: of a process on another machine. */
export async function hasEnded({ pid, host }: HeadProcess): Promise<boolean> {
  if (host !== hostname()) return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    return systemErrorCode(error) === 'ESRCH';
  }
  // The number may belong to a later process, or to one that ended and whose parent has not noticed: that has no command line.
  const commandLine = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => undefined);
  return commandLine !== undefined && !commandLine.includes('nextflow');
}
