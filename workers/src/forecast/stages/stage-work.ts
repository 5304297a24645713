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

/** Returns the wall seconds of a stage: all tasks divided among the slots, but no less than the longest. @param more of starting a task */
export function stageSeconds(
  { tasks, placement, seconds, longestSeconds = seconds }: StageWork,
  factor: number,
  more: number,
): number {
  if (tasks === 0) return 0;
  return Math.max(longestSeconds * factor + more, (tasks * (seconds * factor + more)) / placement.slots);
}
