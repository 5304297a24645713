import { setTimeout as sleep } from 'node:timers/promises';
import type { Batch } from '@aws-sdk/client-batch';
import { DataError } from '../../errors.ts';
import { findHead, type HeadJob, isActive } from './heads.ts';
import type { LogReader } from './log.ts';

/** What a follower tells: a line of the head's log, or a word of its own. */
export interface Listener {
  line(text: string): void;
  say(text: string): void;
}

/**
 * Follows a head to its end: its states, its log.
 * @returns the head as it ended
 * @throws DataError where Batch has forgotten it
 */
export async function followHead(
  batch: Batch,
  log: LogReader,
  first: HeadJob,
  { line, say }: Listener,
  everyMs: number,
): Promise<HeadJob> {
  let last = '';
  for (let head = first; ; ) {
    if (head.status !== last) say(`${head.status}${waitsFor(head)}`);
    last = head.status;
    for await (const text of log.read(head.logStream)) line(text);
    if (!isActive(head)) return head;
    await sleep(everyMs);
    const now = await findHead(batch, head.id);
    if (!now) throw new DataError(`AWS Batch does not know the job ${head.id} any more. Launch the campaign again.`);
    head = now;
  }
}

function waitsFor({ status }: HeadJob): string {
  return status === 'RUNNABLE' ? ': waits for a machine (if for long: lanceflow doctor --profile awsbatch)' : '';
}
