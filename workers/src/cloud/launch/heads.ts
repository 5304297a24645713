import type { Batch, JobDetail, JobStatus } from '@aws-sdk/client-batch';
import { REASONS } from '../cloud-messages.ts';
import { CAMPAIGN_TAG, type Head } from './campaign.ts';

export const ACTIVE: readonly JobStatus[] = ['SUBMITTED', 'PENDING', 'RUNNABLE', 'STARTING', 'RUNNING'];
/** Maximum job count of DescribeJobs. */
const MAX_DESCRIBED = 100;

/** A campaign's head as a job of Batch. */
export interface HeadJob {
  id: string;
  status: JobStatus;
  createdAtMs: number;
  command: readonly string[];
  /** Batch's reason for its end; empty if Batch reports none. */
  reason: string;
  exitCode: number | undefined;
  logStream: string | undefined;
  definition: string;
}

export const isActive = ({ status }: { status: JobStatus }) => ACTIVE.includes(status);

/** Finds the heads with this job name, newest first. Batch keeps ended jobs for at least a week. */
export async function findHeads(batch: Batch, jobQueue: string, jobName: string): Promise<HeadJob[]> {
  const { paginateListJobs } = await import('@aws-sdk/client-batch');
  const ids: string[] = [];
  const filters = [{ name: 'JOB_NAME', values: [jobName] }];
  // Batch's filter ignores case.
  for await (const { jobSummaryList = [] } of paginateListJobs({ client: batch }, { jobQueue, filters }))
    for (const { jobId, jobName: found } of jobSummaryList) if (jobId && found === jobName) ids.push(jobId);
  const heads = (await describeJobs(batch, ids)).map(headOf);
  return heads.sort((a, b) => b.createdAtMs - a.createdAtMs || (a.id < b.id ? -1 : 1));
}

/** Reads the current state of a head; undefined if Batch no longer has it. */
export async function findHead(batch: Batch, id: string): Promise<HeadJob | undefined> {
  return (await describeJobs(batch, [id])).map(headOf)[0];
}

/**
 * Submits a head. If another process submits one for the same campaign at the same moment, the older head stays, and the process that
 * submitted the newer one ends it.
 */
export async function submitHead(
  batch: Batch,
  jobQueue: string,
  jobDefinition: string,
  campaign: string,
  { jobName, command, environment }: Head,
): Promise<HeadJob> {
  const variables = Object.entries(environment).map(([name, value]) => ({ name, value }));
  const { jobId = '' } = await batch.submitJob({
    jobName,
    jobQueue,
    jobDefinition,
    containerOverrides: { command, environment: variables },
    tags: { [CAMPAIGN_TAG]: campaign },
    propagateTags: true,
  });
  const heads = (await findHeads(batch, jobQueue, jobName)).filter(isActive);
  const first = heads.at(-1);
  if (first && first.id !== jobId && heads.some(({ id }) => id === jobId)) {
    await batch.terminateJob({ jobId, reason: REASONS.secondHead });
    return first;
  }
  const own = heads.find(({ id }) => id === jobId) ?? (await findHead(batch, jobId));
  if (!own) throw new Error(`Batch does not know the job ${jobId} that it has just accepted`);
  return own;
}

/** Describes jobs; those that Batch no longer has are missing from the result. */
export async function describeJobs(batch: Batch, ids: readonly string[]): Promise<JobDetail[]> {
  const found: JobDetail[] = [];
  for (let start = 0; start < ids.length; start += MAX_DESCRIBED)
    found.push(...((await batch.describeJobs({ jobs: ids.slice(start, start + MAX_DESCRIBED) })).jobs ?? []));
  return found;
}

function headOf(job: JobDetail): HeadJob {
  const { container, attempts = [] } = job;
  const reasons = [job.statusReason, container?.reason ?? attempts.at(-1)?.container?.reason];
  return {
    id: job.jobId ?? '',
    status: job.status ?? 'SUBMITTED',
    createdAtMs: job.createdAt ?? 0,
    command: container?.command ?? [],
    reason: [...new Set(reasons.filter((text) => text))].join('; '),
    exitCode: container?.exitCode,
    logStream: container?.logStreamName,
    definition: job.jobDefinition ?? '',
  };
}
