import { setTimeout as sleep } from 'node:timers/promises';
import type { Batch } from '@aws-sdk/client-batch';
import { DataError, TransientError } from '../../base/errors.ts';
import { findHead, type HeadJob, isActive } from './heads.ts';
import type { LogReader } from './log.ts';

/** What a follower tells: a line of the head's log, or a word of its own. */
export interface Listener {
  line(text: string): void;
  say(text: string): void;
}

/** A laptop may be without a network, or asleep, for a while. */
const WITHOUT_CONTACT_MS = 30 * 60_000;

/**
 * Follows a head to its end: its states, its log. A lost connection is waited for.
 * @returns the head as it ended
 * @throws DataError where Batch has forgotten it, TransientError where it cannot be reached for half an hour
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
    if (!now) throw new DataError(`AWS Batch does not know the job ${head.id} any more. Launch the campaign again.`);
    head = now;
  }
}

/** Asks again and again while the fault is one that may pass. */
async function patiently<T>(ask: () => Promise<T>, say: Listener['say'], everyMs: number): Promise<T> {
  const startMs = Date.now();
  for (let said = false; ; await sleep(everyMs))
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof TransientError) || Date.now() - startMs > WITHOUT_CONTACT_MS) throw error;
      if (!said) say(`no contact, which does not stop the job: ${error.message}`);
      said = true;
    }
}

function waitsFor({ status }: HeadJob): string {
  return status === 'RUNNABLE' ? ': waits for a machine (if for long: lanceflow doctor --profile awsbatch)' : '';
}
