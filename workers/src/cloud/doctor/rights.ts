import { FOUND, REMEDY } from '../cloud-messages.ts';
import type { Params } from '../launch/campaign.ts';
import { type Finding, failed, ok } from './finding.ts';

/** Actions on a resource that a role needs. */
export interface Right {
  actions: readonly string[];
  /** An ARN, without wildcards. */
  resource: string;
  /** Condition keys of the requests, and their values. */
  context?: Readonly<Record<string, string>>;
}

/** Who holds the rights: tasks that build, other tasks, or the head. */
export type Holder = 'tasks' | 'readers' | 'head';

/** The parameters, places and role of a campaign. */
export interface Campaign {
  params: Params;
  /** s3:// address. */
  workDir: string | undefined;
  region: string;
  /** The campaign's name, if it is known already. */
  name: string | undefined;
  /** ARN of the head's role, which contains the partition and the account. */
  headRole: string;
}

const LIST = 's3:ListBucket';
const READ = 's3:GetObject';
const WRITE = 's3:PutObject';
const DELETE = 's3:DeleteObject';

/** Returns whether a text is the ARN of a role. */
export const isRoleArn = (text: string): boolean => /^arn:[a-z0-9-]+:iam::\d{12}:role\/[\w+=,.@/-]+$/.test(text);

/** Lists the rights that each role needs for a campaign. A sample key represents the objects that a folder will hold. */
export function requiredRights(campaign: Campaign): Record<Holder, Right[]> {
  const { params, workDir } = campaign;
  const [, partition = 'aws'] = campaign.headRole.split(':');
  const on = (uri: unknown, actions: readonly string[]) => (isS3(uri) ? rightsOn(uri, actions, partition) : []);
  const inputs = ['input', 'queries', 'query_ids', 'model'].flatMap((name) => on(params[name], [LIST, READ]));
  const work = on(workDir, [LIST, READ, WRITE]);
  const readers = [...inputs, ...work, ...on(params.database, [LIST, READ])];
  return {
    tasks: params.input === undefined ? readers : [...readers, ...on(params.database, [WRITE, DELETE])],
    readers,
    head: [...readers, ...on(params.outdir, [LIST, WRITE]), ...rightsOnBatch(campaign)],
  };
}

const isS3 = (uri: unknown): uri is string => typeof uri === 'string' && uri.startsWith('s3://');

function rightsOn(uri: string, actions: readonly string[], partition: string): Right[] {
  const [, bucket = '', path = ''] = /^s3:\/\/([^/]+)\/?(.*)$/.exec(uri) ?? [];
  const arn = `arn:${partition}:s3:::${bucket}`;
  const folder = path.replace(/[*?[{].*$/, '').replace(/\/$/, '');
  const isListed = actions.includes(LIST);
  const others = actions.filter((action) => action !== LIST);
  return [
    // Nextflow lists folders with and without the slash at the end.
    ...(isListed ? [folder, sampleKey(path).replace(/[^/]*$/, '')] : []).map((prefix) => ({
      actions: [LIST],
      resource: arn,
      context: { 's3:prefix': prefix },
    })),
    { actions: others, resource: `${arn}/${sampleKey(path)}` },
  ];
}

/** Returns the key of an object that a path can refer to: the file itself, a file in the folder, or one that the glob matches. */
function sampleKey(path: string): string {
  const [, before, after] = /^([^*?[{]*)[*?[{].*?([^*?\]}]*)$/.exec(path) ?? [];
  if (before !== undefined) return `${before}lanceflow${after}`;
  const isFile = /\.[A-Za-z0-9]+$/.test(path);
  return isFile ? path : `${path.replace(/\/$/, '')}/lanceflow`.replace(/^\//, '');
}

/** Lists the head's rights on AWS Batch: to define, start and end tasks. */
function rightsOnBatch({ params, region, name, headRole }: Campaign): Right[] {
  const [, partition, , , account] = headRole.split(':');
  const arn = (name: string) =>
    name.startsWith('arn:') ? name : `arn:${partition}:batch:${region}:${account}:${name}`;
  const queues = ['light', 'storage', ...(params.device === 'cuda' ? ['gpu'] : [])].map((kind) => {
    const queue = String(params[`aws_queue_${kind}`] ?? `lanceflow-${kind}`);
    return queue.startsWith('arn:') ? queue : `job-queue/${queue}`;
  });
  const image = String(params.aws_container ?? '');
  const definition = `job-definition/nf-${image.replace(/[^a-zA-Z0-9_-]+/g, '-')}`;
  const reader = params.aws_reader_definition;
  const submitted = [
    ...queues,
    definition,
    ...(reader === undefined ? [] : [`${reader}`.startsWith('arn:') ? `${reader}` : `job-definition/${reader}`]),
  ];
  const role = params.aws_job_role;
  return [
    { actions: ['batch:RegisterJobDefinition'], resource: arn(definition), context: { 'batch:Image': image } },
    ...submitted.map((resource) => ({ actions: ['batch:SubmitJob'], resource: arn(resource) })),
    {
      actions: ['batch:TerminateJob'],
      resource: arn('job/lanceflow'),
      context: { 'aws:ResourceTag/lanceflow-campaign': name ?? 'lanceflow' },
    },
    ...(typeof role === 'string' && isRoleArn(role)
      ? [{ actions: ['iam:PassRole'], resource: role, context: { 'iam:PassedToService': 'ecs-tasks.amazonaws.com' } }]
      : []),
  ];
}

/**
 * Judges the rights of a role.
 * @param check the check's name
 * @param role ARN
 * @param denied the actions of each right that IAM does not allow
 */
export function judgeRights(
  check: string,
  role: string,
  denied: ReadonlyArray<{ right: Right; actions: string[] }>,
): Finding {
  const name = role.replace(/^.*\//, '');
  const missing = denied.flatMap(({ right, actions }) => actions.map((action) => `${action} on ${shortOf(right)}`));
  if (missing.length === 0) return ok(check, FOUND.rights(name));
  return failed(check, FOUND.deniedRights(name, [...new Set(missing)]), REMEDY.rights);
}

function shortOf({ resource, context = {} }: Right): string {
  const conditions = Object.entries(context).map(([key, value]) => `${key} "${value}"`);
  const place = resource.replace(/^arn:[^:]*:s3:::/, 's3://');
  return conditions.length === 0 ? place : `${place} (${conditions.join(', ')})`;
}
