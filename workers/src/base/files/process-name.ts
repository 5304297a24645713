import { createHash } from 'node:crypto';
import { readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import { systemErrorCode } from '../errors.ts';

/** Returns a name for this process that is unique among all processes that share a folder with it. */
export function processName(): string {
  return `${pidNamespace()}.${process.pid}`;
}

/** Returns whether a process, by its `processName`, is known to have ended. False for processes on other machines, which are unknown. */
export function hasEnded(name: string): boolean {
  const [namespace, pid] = name.split('.');
  return namespace === pidNamespace() && /^\d+$/.test(pid ?? '') && !isAlive(Number(pid));
}

let namespaceHash: string | undefined;

/** Returns a hash of the machine (or container) in which process ids are unique: 8 hexadecimal digits. */
export function pidNamespace(): string {
  namespaceHash ??= createHash('sha256').update(`${hostname()} ${linuxNamespace()}`).digest('hex').slice(0, 8);
  return namespaceHash;
}

function linuxNamespace(): string {
  try {
    return readlinkSync('/proc/self/ns/pid');
  } catch {
    // Only Linux has namespaces; elsewhere the host name is enough.
    return '';
  }
}

/** Returns whether a process with this id runs in this namespace. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return systemErrorCode(error) === 'EPERM';
  }
}
