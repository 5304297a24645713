import type { Placement } from './task-resources.ts';

/** The work of one stage, before rates of earlier runs change its times. Pure. */
export interface StageWork {
  command: string;
  tasks: number;
  placement: Placement;
  isLight: boolean;
  /** Of one task, without starting it. */
  seconds: number;
  cpuSeconds: number;
  /** Of the longest task, where tasks differ. */
  longestSeconds?: number;
  /** Input files of one task; absent where they are few. */
  files?: number;
  /** Of all tasks. */
  rows: number;
  bytesRead: number;
  bytesWritten: number;
  bytesStored: number;
  readRequests: number;
  writeRequests: number;
}

/** Part of a file that one request reads or writes. */
const PART_BYTES = 16 * 2 ** 20;

/** Returns the requests to S3 of moving bytes in files of about equal size. */
export function requestsOf(bytes: number, files = 1): number {
  return Math.max(files, Math.ceil(bytes / PART_BYTES));
}

/** How a stage's seconds differ from its work's. */
export interface Pace {
  /** By an earlier run: seconds, and CPU-seconds, for one of the checked-in rates. */
  time: number;
  cpu: number;
  /** Of starting a task. */
  startSeconds: number;
  /** Of all machines. */
  cores: number;
}

/** Returns the wall seconds of a stage: waves of tasks, but no less than the longest of them, and no less than its cores compute. */
export function stageSeconds(work: StageWork, { time, cpu, startSeconds, cores }: Pace): number {
  const { tasks, placement, seconds, longestSeconds, cpuSeconds } = work;
  if (tasks === 0) return 0;
  // Tasks of different lengths fill each other's gaps.
  const waves = longestSeconds === undefined ? Math.ceil(tasks / placement.slots) : tasks / placement.slots;
  const computing = (tasks * (cpuSeconds * cpu + startSeconds)) / cores;
  return Math.max(
    (longestSeconds ?? seconds) * time + startSeconds,
    waves * (seconds * time + startSeconds),
    computing,
  );
}
