import { createHash } from 'node:crypto';
import { readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import { systemErrorCode } from '../errors.ts';

/** Names this process to others that share a folder with it. */
export function processName(): string {
  return `${owner()}.${process.pid}`;
}

/** Whether a process is known to have ended; of one on another machine that cannot be known. */
export function hasEnded(name: string): boolean {
  const [space, pid] = name.split('.');
  return space === owner() && /^\d+$/.test(pid ?? '') && !isAlive(Number(pid));
}

let ownerName: string | undefined;

/** This machine's (or container's) process space, where a process number means something. */
export function owner(): string {
  ownerName ??= createHash('sha256').update(`${hostname()} ${processSpace()}`).digest('hex').slice(0, 8);
  return ownerName;
}

function processSpace(): string {
  try {
    return readlinkSync('/proc/self/ns/pid');
  } catch {
    // Only Linux has it: elsewhere the host alone says where a process number means something.
    return '';
  }
}

/** Whether there is a process of this number here. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return systemErrorCode(error) === 'EPERM';
  }
}
