import type { Batch, JobDetail, JobStatus } from '@aws-sdk/client-batch';
import { CAMPAIGN_TAG, type Head } from './campaign.ts';

export const ACTIVE: readonly JobStatus[] = ['SUBMITTED', 'PENDING', 'RUNNABLE', 'STARTING', 'RUNNING'];
/** Most jobs that Batch describes at once. */
const DESCRIBED_AT_ONCE = 100;

/** A campaign's head among Batch's jobs. */
export interface HeadJob {
  id: string;
  status: JobStatus;
  createdAtMs: number;
  command: readonly string[];
  /** What Batch says of its end. */
  reason: string;
  exitCode: number | undefined;
  logStream: string | undefined;
  definition: string;
}

export const isActive = ({ status }: { status: JobStatus }) => ACTIVE.includes(status);

/** The heads of this name that Batch remembers (a week at least), the newest first. */
export async function findHeads(batch: Batch, jobQueue: string, jobName: string): Promise<HeadJob[]> {
  const { paginateListJobs } = await import('@aws-sdk/client-batch');
  const ids: string[] = [];
  const filters = [{ name: 'JOB_NAME', values: [jobName] }];
  // Batch's filter knows no case.
  for await (const { jobSummaryList = [] } of paginateListJobs({ client: batch }, { jobQueue, filters }))
    for (const { jobId, jobName: found } of jobSummaryList) if (jobId && found === jobName) ids.push(jobId);
  const heads = (await describeJobs(batch, ids)).map(headOf);
  return heads.sort((a, b) => b.createdAtMs - a.createdAtMs || (a.id < b.id ? -1 : 1));
}

/** A head as it is now; undefined where Batch has forgotten it. */
export async function findHead(batch: Batch, id: string): Promise<HeadJob | undefined> {
  return (await describeJobs(batch, [id])).map(headOf)[0];
}

/**
 * Submits a head. Where somebody else submitted one of the same name at the same moment, the older one stays, and the younger one is
 * ended by whoever submitted it.
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
    await batch.terminateJob({ jobId, reason: 'another head of this campaign was submitted at the same time' });
    return first;
  }
  const own = heads.find(({ id }) => id === jobId) ?? (await findHead(batch, jobId));
  if (!own) throw new Error(`Batch does not know the job ${jobId} that it has just taken`);
  return own;
}

/** Jobs as Batch describes them; those that it has forgotten are left out. */
export async function describeJobs(batch: Batch, ids: readonly string[]): Promise<JobDetail[]> {
  const found: JobDetail[] = [];
  for (let start = 0; start < ids.length; start += DESCRIBED_AT_ONCE)
    found.push(...((await batch.describeJobs({ jobs: ids.slice(start, start + DESCRIBED_AT_ONCE) })).jobs ?? []));
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
