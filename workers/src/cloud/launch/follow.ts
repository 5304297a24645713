import { setTimeout as sleep } from 'node:timers/promises';
import type { Batch } from '@aws-sdk/client-batch';
import { DataError, TransientError } from '../../base/errors.ts';
import { LAUNCH } from '../cloud-messages.ts';
import { findHead, type HeadJob, isActive } from './heads.ts';
import type { LogReader } from './log.ts';

/** Prints lines of the head's log, and messages about the head. */
export interface Listener {
  line(text: string): void;
  say(text: string): void;
}

/** A laptop may sleep, or lose its network, for a while. */
const MAX_OFFLINE_MS = 30 * 60_000;

/**
 * Follows a head to its end, and prints its states and its log. Waits while the connection is lost.
 * @returns the final state of the head
 * @throws DataError if Batch no longer has it, TransientError if Batch cannot be reached for half an hour
 */
export async function followHead(
  batch: Batch,
  log: LogReader,
  first: HeadJob,
  { line, say }: Listener,
  everyMs: number,
): Promise<HeadJob> {
  const readLog = async (head: HeadJob) => {
    for await (const text of log.read(head.logStream)) line(text);
  };
  let last = '';
  for (let head = first; ; ) {
    if (head.status !== last) say(`${head.status}${waitsFor(head)}`);
    last = head.status;
    await patiently(() => readLog(head), say, everyMs);
    if (!isActive(head)) return head;
    await sleep(everyMs);
    const now = await patiently(() => findHead(batch, head.id), say, everyMs);
    if (!now) throw new DataError(LAUNCH.forgottenJob(head.id));
    head = now;
  }
}

/** Repeats a request while its fault is transient. */
async function patiently<T>(request: () => Promise<T>, say: Listener['say'], everyMs: number): Promise<T> {
  const startMs = Date.now();
  for (let isReported = false; ; await sleep(everyMs))
    try {
      return await request();
    } catch (error) {
      if (!(error instanceof TransientError) || Date.now() - startMs > MAX_OFFLINE_MS) throw error;
      if (!isReported) say(LAUNCH.noContact(error.message));
      isReported = true;
    }
}

function waitsFor({ status }: HeadJob): string {
  return status === 'RUNNABLE' ? `: ${LAUNCH.waitingForMachine}` : '';
}
