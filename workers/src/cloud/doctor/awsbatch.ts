import type { Batch, ComputeEnvironmentDetail, JobDefinition, JobQueueDetail } from '@aws-sdk/client-batch';
import { s3Variables } from '../../s3/settings.ts';
import { openBatch, openEcr, openLogs, useRegion } from '../clients.ts';
import { FOUND, REMEDY } from '../cloud-messages.ts';
import type { Params } from '../launch/campaign.ts';
import { check } from './check.ts';
import { checkRights, findDefinition } from './check-rights.ts';
import { type Finding, failed, note, ok } from './finding.ts';
import { parseEcrImage } from './image.ts';
import { checkPlace } from './places.ts';
import { judgeQueue, type Machines } from './queues.ts';

/** What a campaign on AWS will use. */
export interface CampaignPlan {
  params: Params;
  workDir?: string;
  headQueue: string;
  headDefinition: string;
}

/** Checks that everything that a campaign on AWS will use exists and can be used. Changes nothing. */
export async function checkAwsBatch({ params, workDir, headQueue, headDefinition }: CampaignPlan): Promise<Finding[]> {
  const text = (name: string) => (params[name] === undefined ? undefined : String(params[name]));
  let region = '';
  const regionFound = await check('region', async () => {
    region = await useRegion(text('aws_region'));
    return ok('region', region);
  });
  if (region === '') return regionFound;
  const batch = await openBatch(region);
  const credentials = await check('credentials', async () => {
    await batch.describeJobQueues({ maxResults: 1 });
    const { accessKeyId } = await batch.config.credentials();
    return ok('credentials', FOUND.acceptedKey(accessKeyId));
  });
  if (credentials[0]?.status === 'failed') return [...regionFound, ...credentials];

  const queues: Array<[string, Machines]> = [
    [text('aws_queue_light') ?? 'lanceflow-light', 'any'],
    [text('aws_queue_storage') ?? 'lanceflow-storage', 'storage'],
    ...(params.device === 'cuda' ? [[text('aws_queue_gpu') ?? 'lanceflow-gpu', 'gpu'] as [string, Machines]] : []),
    [headQueue, 'any'],
  ];
  // The places are checked with the S3 settings of the tasks.
  Object.assign(process.env, s3Variables(params));
  const inputs = ['input', 'queries'].filter((name) => params[name] !== undefined);
  const head = await checkHead(batch, headDefinition, region);
  return [
    ...regionFound,
    ...credentials,
    ...(await check('queues', () => checkQueues(batch, queues))),
    ...head.findings,
    ...(await checkImage('image of the tasks', text('aws_container'), region)),
    ...(await checkLogGroup('log of the tasks', text('aws_log_group') ?? '/lanceflow/tasks', region)),
    ...(await checkPlace('work folder', workDir, 'write', region)),
    ...(await checkPlace('database', text('database'), 'database', region)),
    ...(await Promise.all(inputs.map((name) => checkPlace(name, withoutGlob(text(name)!), 'read', region)))).flat(),
    ...(await check('roles', () => checkRights(batch, { params, workDir, region }, head.definition))),
  ];
}

/** Cuts an address at its first wildcard. */
const withoutGlob = (uri: string) => uri.replace(/[*?[{].*$/, '');

async function checkQueues(batch: Batch, wanted: Array<[string, Machines]>): Promise<Finding[]> {
  const { jobQueues = [] } = await batch.describeJobQueues({ jobQueues: wanted.map(([name]) => name) });
  const named = jobQueues.flatMap((queue) => environmentsOf(queue));
  const { computeEnvironments = [] } =
    named.length === 0 ? {} : await batch.describeComputeEnvironments({ computeEnvironments: [...new Set(named)] });
  return wanted.flatMap(([name, machines]) => {
    const queue = jobQueues.find(({ jobQueueName, jobQueueArn }) => name === jobQueueName || name === jobQueueArn);
    return judgeQueue(name, machines, queue, queue ? detailsOf(queue, computeEnvironments) : []);
  });
}

const environmentsOf = ({ computeEnvironmentOrder = [] }: JobQueueDetail) =>
  computeEnvironmentOrder.flatMap(({ computeEnvironment }) => computeEnvironment ?? []);

function detailsOf(queue: JobQueueDetail, environments: readonly ComputeEnvironmentDetail[]) {
  const names = environmentsOf(queue);
  return environments.filter(
    ({ computeEnvironmentArn = '', computeEnvironmentName = '' }) =>
      names.includes(computeEnvironmentArn) || names.includes(computeEnvironmentName),
  );
}

async function checkHead(
  batch: Batch,
  name: string,
  region: string,
): Promise<{ findings: Finding[]; definition: JobDefinition | undefined }> {
  const label = `job definition ${name}`;
  let definition: JobDefinition | undefined;
  const found = await check(label, async () => {
    definition = await findDefinition(batch, name);
    if (!definition) return failed(label, FOUND.missing, REMEDY.deployHead);
    if (!definition.containerProperties?.jobRoleArn) return failed(label, FOUND.noJobRole, REMEDY.headRole);
    return ok(label, `revision ${definition.revision}`);
  });
  if (!definition) return { findings: found, definition };
  const group = definition.containerProperties?.logConfiguration?.options?.['awslogs-group'];
  const findings = [
    ...found,
    ...(await checkImage('image of the head', definition.containerProperties?.image, region)),
    ...(await checkLogGroup('log of the head', group ?? '/aws/batch/job', region)),
  ];
  return { findings, definition };
}

function checkImage(name: string, address: string | undefined, region: string): Promise<Finding[]> {
  const findImage = async () => {
    if (address === undefined) return failed(name, FOUND.notGiven, REMEDY.nameImage);
    const image = parseEcrImage(address);
    if (!image) return note(name, FOUND.otherRegistry(address));
    const ecr = await openEcr(image.region);
    const { account, repository, id } = image;
    await ecr.describeImages({ registryId: account, repositoryName: repository, imageIds: [id] });
    return ok(name, image.region === region ? FOUND.image(address) : FOUND.farImage(address, image.region));
  };
  return check(name, findImage, REMEDY.pushImage);
}

function checkLogGroup(name: string, group: string, region: string): Promise<Finding[]> {
  return check(name, async () => {
    const { logGroups = [] } = await (await openLogs(region)).describeLogGroups({ logGroupNamePrefix: group });
    return logGroups.some(({ logGroupName }) => logGroupName === group)
      ? ok(name, group)
      : failed(name, FOUND.noLogGroup(group), REMEDY.createLogGroup(group));
  });
}
