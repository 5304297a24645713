import { setTimeout as sleep } from 'node:timers/promises';
import type { Batch } from '@aws-sdk/client-batch';
import { DataError } from '../../base/errors.ts';
import { type Params, taskQueuesOf } from './campaign.ts';
import { findHead, type HeadJob, isActive } from './heads.ts';
import { endTasks } from './tasks.ts';

/** Batch gives a container 30 seconds after SIGTERM. */
const HEAD_ENDS_MS = 90_000;

/**
 * Ends a campaign: its head, which ends its tasks, and then the tasks that the head had no time for.
 * @param heads of the campaign
 * @throws DataError where there is none
 */
export async function cancelCampaign(
  batch: Batch,
  campaign: string,
  heads: readonly HeadJob[],
  params: Params,
  everyMs: number,
  say: (text: string) => void,
) {
  if (heads.length === 0)
    throw new DataError(`There is no campaign ${campaign} in this queue and region. Check its name and --queue.`);
  const active = heads.filter(isActive);
  for (const { id } of active) await batch.terminateJob({ jobId: id, reason: `campaign ${campaign} was cancelled` });
  if (active.length > 0) say(`ending job ${active.map(({ id }) => id).join(', ')}`);
  for (const endMs = Date.now() + HEAD_ENDS_MS; Date.now() < endMs; await sleep(everyMs)) {
    const now = await Promise.all(active.map(({ id }) => findHead(batch, id)));
    if (!now.some((head) => head && isActive(head))) break;
  }
  const tasks = (await endTasks(batch, taskQueuesOf(params), campaign, `campaign ${campaign} was cancelled`)).length;
  const { id = '', status = 'FAILED' } = heads[0] ?? {};
  const ended = active.length > 0 ? 'CANCELLED' : status;
  return { rows: active.length, bytes: 0, campaign, jobId: id, status: ended, reason: '', tasks };
}
