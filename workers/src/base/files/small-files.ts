import { closeSync, constants, openSync, readSync, type Stats, statSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { setImmediate } from 'node:timers/promises';
import { findStats } from '../missing-files.ts';

// Reading 100,000 small files. On a local disk, a call takes a third of the time that passing it to a thread of Node.js takes. On a file
// system of the network, several calls must wait at once.

/** A pipe that nobody writes to would keep the process waiting, deaf to signals. */
const READ = constants.O_RDONLY | constants.O_NONBLOCK;
/** A call of a file system of the network takes longer; one of a disk only where another program has its core. */
const SLOW_MS = 0.3;
/** Where so many more calls were slow than quick, further ones are handed to threads. */
const MOST_SLOW = 32;
/** Time after which timers and signals have their turn. */
const TURN_MS = 20;

let slowCalls = 0;
/** Of `readStartNow`. */
let scratch = new Uint8Array(0);
let turnMs = 0;

/** Reads the first bytes of a file, or all of a shorter one. @throws the system's error, ESPIPE for a pipe */
export function readStart(path: string, byteCount: number): Promise<Uint8Array<ArrayBuffer>> {
  return quickly(
    () => readStartNow(path, byteCount),
    () => readStartAside(path, byteCount),
  );
}

/** Returns the stats of a file or folder, or undefined if it does not exist, as `findStats` does. */
export function findStatsQuickly(path: string): Promise<Stats | undefined> {
  return quickly(
    () => statSync(path, { throwIfNoEntry: false }),
    () => findStats(path),
  );
}

async function quickly<T>(now: () => T, aside: () => Promise<T>): Promise<T> {
  if (slowCalls > MOST_SLOW) return aside();
  const startedMs = performance.now();
  if (startedMs - turnMs > TURN_MS) {
    turnMs = startedMs;
    await setImmediate();
  }
  const callMs = performance.now();
  try {
    return now();
  } finally {
    slowCalls = Math.max(0, slowCalls + (performance.now() - callMs > SLOW_MS ? 1 : -1));
  }
}

function readStartNow(path: string, byteCount: number): Uint8Array<ArrayBuffer> {
  const file = openSync(path, READ);
  try {
    if (scratch.length < byteCount) scratch = new Uint8Array(byteCount);
    let length = 0;
    // One call may read only a part.
    for (let count = -1; count !== 0 && length < byteCount; length += count)
      count = readSync(file, scratch, length, byteCount - length, length);
    return scratch.slice(0, length);
  } finally {
    closeSync(file);
  }
}

async function readStartAside(path: string, byteCount: number): Promise<Uint8Array<ArrayBuffer>> {
  const file = await open(path, READ);
  try {
    const bytes = new Uint8Array(byteCount);
    let length = 0;
    for (let count = -1; count !== 0 && length < byteCount; length += count)
      count = (await file.read(bytes, length, byteCount - length, length)).bytesRead;
    return bytes.slice(0, length);
  } finally {
    await file.close();
  }
}
