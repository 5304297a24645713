import { setTimeout as sleep } from 'node:timers/promises';
import type { Batch } from '@aws-sdk/client-batch';
import { CAMPAIGN_TAG, jobNameOf } from './campaign.ts';
import { ACTIVE, describeJobs, isActive } from './heads.ts';

/** Batch kills a container 30 seconds after SIGTERM. */
const TASKS_END_MS = 120_000;

/**
 * Ends the waiting and running tasks of a campaign, which it finds by their tag. The head, which may be in one of these queues, keeps
 * running.
 * @param queues names or ARNs; unknown ones are ignored
 * @returns ids of the jobs
 */
export async function endTasks(
  batch: Batch,
  queues: readonly string[],
  campaign: string,
  reason: string,
): Promise<string[]> {
  const { paginateListJobs } = await import('@aws-sdk/client-batch');
  const { jobQueues = [] } = await batch.describeJobQueues({ jobQueues: [...queues] });
  const ended = new Set<string>();
  for (const { jobQueueName = '' } of jobQueues)
    for (const jobStatus of ACTIVE)
      for await (const page of paginateListJobs({ client: batch }, { jobQueue: jobQueueName, jobStatus })) {
        const ids = (page.jobSummaryList ?? []).flatMap(({ jobId }) => jobId ?? []).filter((id) => !ended.has(id));
        for (const { jobId = '', jobName, tags } of await describeJobs(batch, ids)) {
          if (tags?.[CAMPAIGN_TAG] !== campaign || jobName === jobNameOf(campaign)) continue;
          await batch.terminateJob({ jobId, reason });
          ended.add(jobId);
        }
      }
  return [...ended];
}

/** Waits until jobs have ended, for two minutes at most. @returns the number of jobs that still run */
export async function waitForEnd(batch: Batch, ids: readonly string[], everyMs: number): Promise<number> {
  for (const endMs = Date.now() + TASKS_END_MS; ; await sleep(everyMs)) {
    const active = (await describeJobs(batch, ids)).filter(({ status }) => status && isActive({ status })).length;
    if (active === 0 || Date.now() > endMs) return active;
  }
}
