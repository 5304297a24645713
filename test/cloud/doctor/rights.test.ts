import { describe, expect, test } from 'vitest';
import { isRoleArn, judgeRights, type Right, requiredRights } from '../../../workers/src/cloud/doctor/rights.ts';

const headRole = 'arn:aws-cn:iam::123456789012:role/lanceflow-head';
const rightsFor = (params: Record<string, string>) =>
  requiredRights({ params, workDir: 's3://bucket/work', region: 'cn-north-1', name: 'soil', headRole });

/** Formats rights as texts: "action resource [condition values]". */
const texts = (rights: readonly Right[]) =>
  rights.flatMap(({ actions, resource, context = {} }) =>
    actions.map((action) => [action, resource, ...Object.values(context)].join(' ')),
  );

test.each([
  ['s3://b/in/a.fasta', 'in/a.fasta', ['in/a.fasta', 'in/']],
  ['s3://b/in', 'in/lanceflow', ['in', 'in/']],
  ['s3://b/in/', 'in/lanceflow', ['in', 'in/']],
  ['s3://b/in/*.fasta', 'in/lanceflow.fasta', ['in', 'in/']],
  ['s3://b/in/**/part_?.fa.gz', 'in/lanceflow.fa.gz', ['in', 'in/']],
  ['s3://b/in/x{a,b}.h5', 'in/xlanceflow.h5', ['in/x', 'in/']],
  ['s3://b/in/[ab].h5', 'in/lanceflow.h5', ['in', 'in/']],
  ['s3://b', 'lanceflow', ['', '']],
])('%s needs the rights to an object that it may stand for, and to list its folder', (input, key, prefixes) => {
  const own = texts(rightsFor({ input }).readers).filter((text) => / arn:aws-cn:s3:::b\b/.test(text));
  expect(own).toEqual([
    ...prefixes.map((prefix) => `s3:ListBucket arn:aws-cn:s3:::b ${prefix}`),
    `s3:GetObject arn:aws-cn:s3:::b/${key}`,
  ]);
});

describe('rights to write', () => {
  const params = {
    input: 's3://bucket/in',
    queries: 's3://bucket/q.fasta',
    database: 's3://bucket/db',
    outdir: 's3://bucket/out',
  };
  const writes = (rights: readonly Right[]) =>
    texts(rights)
      .filter((text) => /s3:(Put|Delete)/.test(text))
      .map((text) => text.replace('arn:aws-cn:s3:::bucket/', ''));

  test('tasks that build write the database', () => {
    const { tasks, readers, head } = rightsFor(params);
    expect(writes(tasks)).toEqual([
      's3:PutObject work/lanceflow',
      's3:PutObject db/lanceflow',
      's3:DeleteObject db/lanceflow',
    ]);
    expect(writes(readers)).toEqual(['s3:PutObject work/lanceflow']);
    expect(writes(head)).toEqual(['s3:PutObject work/lanceflow', 's3:PutObject out/lanceflow']);
  });

  test('a search without a build writes no database', () => {
    const { input: _, ...searching } = params;
    expect(writes(rightsFor(searching).tasks)).toEqual(['s3:PutObject work/lanceflow']);
  });
});

test('the head defines, starts and ends tasks, by names and by ARNs', () => {
  const queue = 'arn:aws-cn:batch:cn-north-1:123456789012:job-queue/own';
  const role = 'arn:aws-cn:iam::123456789012:role/lanceflow-task';
  const { head } = rightsFor({
    aws_container: 'x.org/own:1',
    aws_queue_storage: queue,
    aws_reader_definition: 'r:2',
    aws_job_role: role,
  });
  const batch = 'arn:aws-cn:batch:cn-north-1:123456789012:';
  expect(texts(head).filter((text) => !text.startsWith('s3:'))).toEqual([
    `batch:RegisterJobDefinition ${batch}job-definition/nf-x-org-own-1 x.org/own:1`,
    `batch:SubmitJob ${batch}job-queue/lanceflow-light`,
    `batch:SubmitJob ${queue}`,
    `batch:SubmitJob ${batch}job-definition/nf-x-org-own-1`,
    `batch:SubmitJob ${batch}job-definition/r:2`,
    `batch:TerminateJob ${batch}job/lanceflow soil`,
    `iam:PassRole ${role} ecs-tasks.amazonaws.com`,
  ]);
});

test('a missing right is named once, with its conditions', () => {
  const right = { actions: ['s3:ListBucket'], resource: 'arn:aws:s3:::b', context: { 's3:prefix': 'in' } };
  const denied = { right, actions: ['s3:ListBucket'] };
  expect(judgeRights('role', headRole, [denied, denied])).toMatchObject({
    status: 'failed',
    found: 'lanceflow-head lacks rights: s3:ListBucket on s3://b (s3:prefix "in")',
  });
  expect(judgeRights('role', headRole, [{ right, actions: [] }])).toMatchObject({ status: 'ok' });
});

test.each([
  [headRole, true],
  ['arn:aws:iam::123456789012:role/path/name', true],
  ['lanceflow-task', false],
  ['arn:aws:iam::123456789012:user/name', false],
  ['arn:aws:iam::123456789012:role/a b', false],
])('%s is a role: %s', (text, is) => expect(isRoleArn(text)).toBe(is));
