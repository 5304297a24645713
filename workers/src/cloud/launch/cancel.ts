import { setTimeout as sleep } from 'node:timers/promises';
import type { Batch } from '@aws-sdk/client-batch';
import { DataError } from '../../base/errors.ts';
import { LAUNCH, REASONS } from '../cloud-messages.ts';
import { type Params, taskQueuesOf } from './campaign.ts';
import { findHead, type HeadJob, isActive } from './heads.ts';
import { endTasks } from './tasks.ts';

/** Batch kills a container 30 seconds after SIGTERM. */
const HEAD_ENDS_MS = 90_000;

/**
 * Cancels a campaign: ends its head, which ends its tasks, and then any tasks that remain.
 * @param heads heads of the campaign
 * @throws DataError if the campaign has no head
 */
export async function cancelCampaign(
  batch: Batch,
  campaign: string,
  heads: readonly HeadJob[],
  params: Params,
  everyMs: number,
  say: (text: string) => void,
) {
  if (heads.length === 0) throw new DataError(LAUNCH.noCampaign(campaign));
  const active = heads.filter(isActive);
  for (const { id } of active) await batch.terminateJob({ jobId: id, reason: REASONS.cancelled(campaign) });
  if (active.length > 0) say(LAUNCH.endingHeads(active.map(({ id }) => id)));
  for (const endMs = Date.now() + HEAD_ENDS_MS; Date.now() < endMs; await sleep(everyMs)) {
    const now = await Promise.all(active.map(({ id }) => findHead(batch, id)));
    if (!now.some((head) => head && isActive(head))) break;
  }
  const tasks = (await endTasks(batch, taskQueuesOf(params), campaign, REASONS.cancelled(campaign))).length;
  const { id = '', status = 'FAILED' } = heads[0] ?? {};
  const ended = active.length > 0 ? 'CANCELLED' : status;
  return { rows: active.length, bytes: 0, campaign, jobId: id, status: ended, reason: '', tasks };
}
