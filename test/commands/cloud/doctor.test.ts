import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import type { Finding } from '../../../workers/src/cloud/doctor/finding.ts';
import { type Account, deployStack, startAccount } from '../../support/aws.ts';
import { startFaultProxy } from '../../support/fault-proxy.ts';
import { lanceflow, missingPython, sharedFolder, temporaryFolder } from '../../support/run.ts';

test('this machine passes all checks', async () => {
  const { code, stdout, stderr } = await lanceflow(['doctor', '--json']);
  expect(code, stderr).toBe(0);
  const { findings } = JSON.parse(stdout) as { findings: Finding[] };
  expect(findings.map(({ check }) => check)).toEqual(expect.arrayContaining(['java', 'nextflow', 'onnxruntime-node']));
});

test('a machine without Java is told what to install', async () => {
  const env = { ...process.env, JAVA_HOME: await temporaryFolder() };
  const { code, stdout } = await lanceflow(['doctor'], { env });
  expect(code).toBe(65);
  expect(stdout).toMatch(/failed {2}java .* does not start\n.*-> Install Java 17/);
});

const skip = missingPython();

describe.skipIf(skip)('AWS', () => {
  let account: Account;
  let params: Record<string, unknown>;
  let folder = '';
  let env: NodeJS.ProcessEnv;

  beforeAll(async () => {
    folder = await sharedFolder();
    account = await startAccount();
    env = account.env;
    const { Image, JobRole, ReaderJobDefinition, Region } = await deployStack(account, 'lanceflow-test');
    const database = 's3://lanceflow-test/database/d';
    params = { database, input: 's3://lanceflow-test/input/*.fasta', aws_container: Image, aws_job_role: JobRole };
    Object.assign(params, { aws_region: Region, aws_reader_definition: ReaderJobDefinition });
    params.outdir = 's3://lanceflow-test/results/d';
    await account.python(`
s3 = client('s3')
s3.put_object(Bucket='lanceflow-test', Key='input/a.fasta', Body=b'>a')
s3.put_object(Bucket='lanceflow-test', Key='database/d/_catalog/bucket_00001.json', Body=b'{}')
boto3.client('s3', region_name='us-west-2').create_bucket(Bucket='far-away', CreateBucketConfiguration=dict(LocationConstraint='us-west-2'))`);
  });
  afterAll(() => account?.stop());

  async function doctor(changed: object = {}, options: readonly string[] = [], environment: NodeJS.ProcessEnv = env) {
    const file = join(folder, 'campaign.json');
    await writeFile(file, JSON.stringify({ ...params, ...changed }));
    const work = options.includes('--work-dir') ? [] : ['--work-dir', 's3://lanceflow-test/work'];
    const passed = ['--params-file', file, ...work, ...options];
    const { code, stdout, stderr } = await lanceflow(['doctor', '--profile', 'awsbatch', ...passed, '--json'], {
      env: environment,
    });
    expect(stderr).toBe('');
    const { findings } = JSON.parse(stdout) as { findings: Finding[] };
    const failures = findings.filter(({ status }) => status === 'failed');
    for (const { remedy } of failures) expect(remedy).toMatch(/.{10}/);
    expect(code).toBe(failures.length > 0 ? 65 : 0);
    return { findings, failures: failures.map(({ check, found }) => `${check}: ${found}`) };
  }

  test('all checks pass on the stack of infra/lanceflow.yaml', async () => {
    const { findings, failures } = await doctor({ device: 'cuda' });
    expect(failures).toEqual([]);
    const checks = findings.map(({ check, found }) => `${check}: ${found}`).join('\n');
    for (const text of [
      'queue lanceflow-storage: enabled and valid',
      'i4i.8xlarge',
      'queue lanceflow-gpu: enabled and valid',
      'FARGATE',
      'job definition lanceflow-head: revision 1',
      'image of the head: 123456789012.dkr.ecr.eu-central-1.amazonaws.com/lanceflow:head-0.1.0 exists',
      'log of the tasks: /lanceflow/tasks',
      'work folder: s3://lanceflow-test/work can be written',
      'database: s3://lanceflow-test/database/d can be read; 1 bucket',
      'input: s3://lanceflow-test/input can be read',
      'role of the tasks: lanceflow-task has the rights that the campaign needs',
      'role of the readers: lanceflow-reader has the rights that the campaign needs',
      'role of the head: lanceflow-head has the rights that the campaign needs',
    ])
      expect(checks).toContain(text);
    // The check leaves nothing in the work folder.
    expect(
      await account.python(`print(client('s3').list_objects_v2(Bucket='lanceflow-test', Prefix='work')['KeyCount'])`),
    ).toBe(0);
  });

  test('missing, disabled or unsuitable resources are named with their remedies', async () => {
    await account.python(`
batch, iam = client('batch'), client('iam')
environments = batch.describe_compute_environments()['computeEnvironments']
storage = next(each for each in environments if 'Storage' in each['computeEnvironmentName'])
resources = {key: storage['computeResources'][key] for key in ['subnets', 'securityGroupIds', 'instanceRole', 'minvCpus', 'maxvCpus']}
batch.create_compute_environment(computeEnvironmentName='plain', type='MANAGED', state='ENABLED', serviceRole=storage['serviceRole'],
    computeResources=dict(resources, type='EC2', instanceTypes=['m5.4xlarge']))
batch.create_compute_environment(computeEnvironmentName='off', type='MANAGED', state='DISABLED', serviceRole=storage['serviceRole'],
    computeResources=dict(resources, type='EC2', instanceTypes=['m5.4xlarge']))
for queue, environment, state in [('plain', 'plain', 'ENABLED'), ('half', 'off', 'ENABLED'), ('off', 'plain', 'DISABLED')]:
    batch.create_job_queue(jobQueueName=queue, state=state, priority=1, computeEnvironmentOrder=[dict(order=1, computeEnvironment=environment)])`);
    const { failures } = await doctor(
      {
        ...{
          aws_queue_light: 'half',
          aws_queue_storage: 'plain',
          aws_log_group: '/nothing',
          input: 's3://lanceflow-test/inptu',
        },
        ...{
          aws_container: `${String(params.aws_container).replace('0.1.0', '9.9')}`,
          database: 's3://no-such-bucket/d',
        },
      },
      ['--queue', 'off', '--work-dir', 's3://far-away/work', '--job-definition', 'nothing'],
    );
    expect(failures).toEqual([
      'environment off: is disabled',
      'environment plain: has machines without NVMe disks: m5.4xlarge',
      'environment plain: has no launch template, so its disks are not mounted as /scratch',
      'queue off: is disabled',
      'job definition nothing: was not found',
      expect.stringMatching(/^image of the tasks: .*DescribeImages/),
      'log of the tasks: log group /nothing was not found',
      'work folder: far-away is in us-west-2, the queues are in eu-central-1',
      'database: bucket no-such-bucket was not found',
      'input: nothing was found at s3://lanceflow-test/inptu',
      'job definition lanceflow-reader: has the image 123456789012.dkr.ecr.eu-central-1.amazonaws.com/lanceflow:0.1.0, not aws_container',
      expect.stringMatching(/^role of the tasks: lanceflow-task lacks rights: .*s3:PutObject on s3:\/\/far-away\/work/),
    ]);
  });

  test('places, images and roles that the deployed policies do not allow are found before anything starts', async () => {
    const { failures } = await doctor(
      {
        input: 's3://far-away/input/*.fasta',
        database: 's3://lanceflow-test/db/d',
        outdir: 's3://lanceflow-test/out',
        aws_container: 'registry.example.org/lanceflow:1',
        aws_reader_definition: 'lanceflow-reader',
      },
      ['--work-dir', 's3://lanceflow-test/scratch'],
    );
    const of = (check: string) => failures.find((failure) => failure.startsWith(check)) ?? '';
    const inputs =
      's3:ListBucket on s3://far-away (s3:prefix "input"), s3:ListBucket on s3://far-away (s3:prefix "input/")';
    expect(of('role of the tasks')).toBe(
      `role of the tasks: lanceflow-task lacks rights: ${inputs}, s3:GetObject on s3://far-away/input/lanceflow.fasta, ` +
        's3:GetObject on s3://lanceflow-test/scratch/lanceflow, s3:PutObject on s3://lanceflow-test/scratch/lanceflow, ' +
        's3:GetObject on s3://lanceflow-test/db/d/lanceflow, s3:PutObject on s3://lanceflow-test/db/d/lanceflow, ' +
        's3:DeleteObject on s3://lanceflow-test/db/d/lanceflow',
    );
    expect(of('role of the head')).toContain(
      's3:PutObject on s3://lanceflow-test/out/lanceflow, batch:RegisterJobDefinition on ' +
        'arn:aws:batch:eu-central-1:123456789012:job-definition/nf-registry-example-org-lanceflow-1 ' +
        '(batch:Image "registry.example.org/lanceflow:1")',
    );
    expect(of('job definition lanceflow-reader')).toContain('not aws_container');

    const unknown = await doctor({ aws_job_role: undefined, aws_reader_definition: undefined });
    expect(unknown.failures).toEqual(['role of the tasks: is not set']);
    const wrong = await doctor({ aws_job_role: 'lanceflow-task' });
    expect(wrong.failures).toEqual(['role of the tasks: lanceflow-task is not the ARN of a role']);
    const nobody = await doctor({
      aws_job_role: 'arn:aws:iam::123456789012:role/nobody',
      aws_reader_definition: undefined,
    });
    expect(nobody.findings.filter(({ status }) => status === 'note').map(({ found }) => found)).toEqual([
      expect.stringContaining('which can delete databases'),
      expect.stringContaining('the rights of arn:aws:iam::123456789012:role/nobody were not checked'),
    ]);
  });

  test('the roles of infra/lanceflow.yaml have the rights of their policies, with all conditions', async () => {
    const options = { Prefix: 'narrow', InputBucket: 'far-away', InputPrefix: 'release-7/', Campaigns: 'soil-*' };
    const more = {
      Versioning: 'on',
      KmsKeyArn: 'arn:aws:kms:eu-central-1:123456789012:key/1',
      OtherTaskImages: 'x.org/own:*',
    };
    await deployStack(account, 'narrow-test', { ...options, ...more });
    const job = 'arn:aws:batch:eu-central-1:123456789012:job/1';
    const definition = 'arn:aws:batch:eu-central-1:123456789012:job-definition/nf-image:1';
    const ecr = '123456789012.dkr.ecr.eu-central-1.amazonaws.com';
    const refused: Array<Record<string, string>> = [
      { 'batch:Image': `${ecr}/narrow:0.2`, 'batch:Privileged': 'true' },
      { 'batch:Image': `${ecr}/narrow:0.2`, 'batch:User': 'root' },
      { 'batch:Image': `${ecr}/other:0.2` },
      { 'batch:Image': 'debian:12' },
    ];
    const table: Array<[boolean, string, string, string, Record<string, string>?]> = [
      [true, 'narrow-task', 's3:DeleteObject', 'arn:aws:s3:::narrow-test/database/d/x'],
      [false, 'narrow-reader', 's3:DeleteObject', 'arn:aws:s3:::narrow-test/database/d/x'],
      [false, 'narrow-reader', 's3:PutObject', 'arn:aws:s3:::narrow-test/database/d/x'],
      [true, 'narrow-reader', 's3:GetObject', 'arn:aws:s3:::narrow-test/database/d/x'],
      [true, 'narrow-reader', 's3:PutObject', 'arn:aws:s3:::narrow-test/work/x'],
      [false, 'narrow-head', 's3:DeleteObject', 'arn:aws:s3:::narrow-test/database/d/x'],
      ...['narrow-task', 'narrow-reader', 'narrow-head'].flatMap((role): typeof table => [
        [true, role, 's3:ListBucket', 'arn:aws:s3:::far-away', { 's3:prefix': 'release-7' }],
        [true, role, 's3:ListBucket', 'arn:aws:s3:::far-away', { 's3:prefix': 'release-7/' }],
        [true, role, 's3:ListBucket', 'arn:aws:s3:::far-away', { 's3:prefix': 'release-7/a' }],
        [false, role, 's3:ListBucket', 'arn:aws:s3:::far-away', { 's3:prefix': 'release-8' }],
        [false, role, 's3:ListBucket', 'arn:aws:s3:::far-away', { 's3:prefix': '' }],
        [false, role, 's3:ListBucket', 'arn:aws:s3:::far-away'],
        [true, role, 's3:GetObject', 'arn:aws:s3:::far-away/release-7/a.fasta'],
        [false, role, 's3:PutObject', 'arn:aws:s3:::far-away/release-7/a.fasta'],
        [true, role, 'kms:GenerateDataKey', more.KmsKeyArn],
      ]),
      [true, 'narrow-head', 'batch:TerminateJob', job, { 'aws:ResourceTag/lanceflow-campaign': 'soil-1' }],
      [false, 'narrow-head', 'batch:TerminateJob', job, { 'aws:ResourceTag/lanceflow-campaign': 'lake' }],
      [false, 'narrow-head', 'batch:TerminateJob', job],
      [true, 'lanceflow-head', 'batch:TerminateJob', job, { 'aws:ResourceTag/lanceflow-campaign': 'lake' }],
      [false, 'lanceflow-head', 'batch:TerminateJob', job],
      ...[`${ecr}/narrow:0.2`, `${ecr}/narrow@sha256:00`, 'x.org/own:2'].map((image): (typeof table)[0] => [
        ...([true, 'narrow-head', 'batch:RegisterJobDefinition', definition] as const),
        { 'batch:Image': image, 'batch:User': '1000', 'batch:Privileged': 'false' },
      ]),
      // Like Nextflow's request, which names neither.
      [true, 'narrow-head', 'batch:RegisterJobDefinition', definition, { 'batch:Image': `${ecr}/narrow:0.2` }],
      ...refused.map((context): (typeof table)[0] => [
        false,
        'narrow-head',
        'batch:RegisterJobDefinition',
        definition,
        context,
      ]),
      [
        true,
        'narrow-head',
        'iam:PassRole',
        'arn:aws:iam::123456789012:role/narrow-task',
        { 'iam:PassedToService': 'ecs-tasks.amazonaws.com' },
      ],
      [
        false,
        'narrow-head',
        'iam:PassRole',
        'arn:aws:iam::123456789012:role/narrow-head',
        { 'iam:PassedToService': 'ecs-tasks.amazonaws.com' },
      ],
      [
        true,
        'narrow-head',
        'batch:SubmitJob',
        'arn:aws:batch:eu-central-1:123456789012:job-definition/narrow-reader:3',
      ],
      [false, 'narrow-head', 'batch:SubmitJob', 'arn:aws:batch:eu-central-1:123456789012:job-definition/narrow-head:3'],
    ];
    const decisions = await account.python<string[]>(
      `
def decide(_, role, action, resource, context={}):
    entries = [dict(ContextKeyName=key, ContextKeyType='string', ContextKeyValues=[value]) for key, value in context.items()]
    answer = client('iam').simulate_principal_policy(PolicySourceArn='arn:aws:iam::123456789012:role/' + role, ActionNames=[action],
        ResourceArns=[resource], ContextEntries=entries)
    return answer['EvaluationResults'][0]['EvalDecision']
print(json.dumps([decide(*row) for row in json.loads(sys.argv[1])]))`,
      JSON.stringify(table),
    );
    expect(table.map((row, i) => [decisions[i], ...row.slice(1)])).toEqual(
      table.map(([isAllowed, ...row]) => [isAllowed ? 'allowed' : 'implicitDeny', ...row]),
    );
  });

  test('an input bucket that may be listed only in part, in the same region and in another', async () => {
    const proxy = await startFaultProxy(account.endpoint);
    onTestFinished(() => proxy.stop());
    const inputs = async (region: string) => {
      const headers = { 'x-amz-bucket-region': region };
      proxy.rule = ({ method }) => (method === 'HEAD' ? { status: 403, code: 'AccessDenied', headers } : undefined);
      const { findings } = await doctor({}, [], { ...env, AWS_ENDPOINT_URL_S3: proxy.endpoint });
      return findings.find(({ check }) => check === 'input')?.found;
    };
    expect(await inputs('eu-central-1')).toBe('s3://lanceflow-test/input can be read');
    expect(await inputs('us-west-2')).toBe('lanceflow-test is in us-west-2, the queues are in eu-central-1');
  });

  test('another region has no queues', async () => {
    const { failures } = await doctor({ aws_region: 'us-east-2' });
    expect(failures).toEqual(expect.arrayContaining(['queue lanceflow-head: was not found']));
    expect(failures).toContain('work folder: lanceflow-test is in eu-central-1, the queues are in us-east-2');
  });

  test('missing or unknown credentials, missing rights and an unreachable service are one failure', async () => {
    const none = { ...env, AWS_ACCESS_KEY_ID: undefined, AWS_SECRET_ACCESS_KEY: undefined };
    expect((await doctor({}, [], none)).failures).toEqual([expect.stringMatching(/^credentials: No AWS credentials/)]);

    const nobody = { ...env, AWS_ENDPOINT_URL: 'http://127.0.0.1:9' };
    expect((await doctor({}, [], nobody)).failures).toEqual([
      expect.stringMatching(/^credentials: AWS Batch in eu-central-1 cannot be reached \(ECONNREFUSED\)/),
    ]);

    expect((await doctor({ aws_region: undefined }, [], { ...env, AWS_REGION: undefined })).failures).toEqual([
      'region: No AWS region.',
    ]);
    expect((await doctor({ aws_region: 'Frankfurt' })).failures).toEqual([
      expect.stringMatching(/^region: .*"Frankfurt"/),
    ]);
  });

  test('credentials without rights, and unknown ones', async () => {
    const [id, secret] = await account.python<[string, string]>(`
client('iam').create_user(UserName='nobody')
key = client('iam').create_access_key(UserName='nobody')['AccessKey']
print(json.dumps([key['AccessKeyId'], key['SecretAccessKey']]))`);
    await account.checkRights(true);
    try {
      const nobody = { ...env, AWS_ACCESS_KEY_ID: id, AWS_SECRET_ACCESS_KEY: secret };
      expect((await doctor({}, [], nobody)).failures).toEqual([
        expect.stringMatching(/^credentials: AWS Batch in eu-central-1, DescribeJobQueues: access denied/),
      ]);
      expect((await doctor()).failures).toEqual([expect.stringMatching(/^credentials: AWS Batch in eu-central-1, /)]);
    } finally {
      await account.checkRights(false);
    }
  });

  test("the tasks' role of infra/lanceflow.yaml writes databases and work folders, and nothing else", async () => {
    const keys = await account.python<string[]>(
      `
key = client('sts').assume_role(RoleArn=sys.argv[1], RoleSessionName='task')['Credentials']
print(json.dumps([key['AccessKeyId'], key['SecretAccessKey'], key['SessionToken']]))`,
      String(params.aws_job_role),
    );
    await account.checkRights(true);
    try {
      const allowed = await account.python(
        `
s3 = boto3.client('s3', region_name='eu-central-1', aws_access_key_id=sys.argv[1], aws_secret_access_key=sys.argv[2], aws_session_token=sys.argv[3])
def can(ask, **key):
    try:
        ask(**key)
        return True
    except s3.exceptions.ClientError as error:
        assert error.response['Error']['Code'] in ['AccessDenied', '403'], error
        return False
places = [('lanceflow-test', name) for name in ['database/x', 'work/x', 'results/x', 'input/x', 'x']] + [('far-away', 'work/x')]
writes = {bucket + '/' + key: can(s3.put_object, Bucket=bucket, Key=key, Body=b'x') for bucket, key in places}
print(json.dumps(dict(writes=writes, reads=can(s3.get_object, Bucket='lanceflow-test', Key='input/a.fasta'))))`,
        ...keys,
      );
      expect(allowed).toEqual({
        writes: {
          ...{ 'lanceflow-test/database/x': true, 'lanceflow-test/work/x': true, 'lanceflow-test/results/x': false },
          ...{ 'lanceflow-test/input/x': false, 'lanceflow-test/x': false, 'far-away/work/x': false },
        },
        reads: true,
      });
    } finally {
      await account.checkRights(false);
    }
  });
});
