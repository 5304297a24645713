import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Finding } from '../../workers/src/core/doctor/finding.ts';
import { type Account, deployStack, startAccount } from '../support/aws.ts';
import { lanceflow, missingPython, sharedFolder, temporaryFolder } from '../support/run.ts';

test('this machine has what the tests need', async () => {
  const { code, stdout, stderr } = await lanceflow(['doctor', '--json']);
  expect(code, stderr).toBe(0);
  const { findings } = JSON.parse(stdout) as { findings: Finding[] };
  expect(findings.map(({ check }) => check)).toEqual(expect.arrayContaining(['java', 'nextflow', 'onnxruntime-node']));
});

test('a machine without Java: what to install', async () => {
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
    const { Image, JobRole, Region } = await deployStack(account, 'lanceflow-test');
    const database = 's3://lanceflow-test/database/d';
    params = { database, input: 's3://lanceflow-test/input/*.fasta', aws_container: Image, aws_job_role: JobRole };
    params.aws_region = Region;
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
    const given = ['--params-file', file, ...work, ...options];
    const { code, stdout, stderr } = await lanceflow(['doctor', '--profile', 'awsbatch', ...given, '--json'], {
      env: environment,
    });
    expect(stderr).toBe('');
    const { findings } = JSON.parse(stdout) as { findings: Finding[] };
    const failures = findings.filter(({ status }) => status === 'failed');
    for (const { remedy } of failures) expect(remedy).toMatch(/.{10}/);
    expect(code).toBe(failures.length > 0 ? 65 : 0);
    return { findings, failures: failures.map(({ check, found }) => `${check}: ${found}`) };
  }

  test('on what infra/lanceflow.yaml deploys, all is well', async () => {
    const { findings, failures } = await doctor({ device: 'cuda' });
    expect(failures).toEqual([]);
    const checks = findings.map(({ check, found }) => `${check}: ${found}`).join('\n');
    for (const text of [
      'queue lanceflow-storage: enabled and valid',
      'i4i.8xlarge',
      'queue lanceflow-gpu: enabled and valid',
      'FARGATE',
      'job definition lanceflow-head: revision 1',
      'image of the head: 123456789012.dkr.ecr.eu-central-1.amazonaws.com/lanceflow:head-0.1.0 is there',
      'log of the tasks: /lanceflow/tasks',
      'work folder: s3://lanceflow-test/work can be written',
      'database: s3://lanceflow-test/database/d can be read; 1 buckets',
      'input: s3://lanceflow-test/input can be read',
    ])
      expect(checks).toContain(text);
    // It leaves nothing in the work folder.
    expect(
      await account.python(`print(client('s3').list_objects_v2(Bucket='lanceflow-test', Prefix='work')['KeyCount'])`),
    ).toBe(0);
  });

  test('what is missing, switched off or unfit: each with its remedy', async () => {
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
      'environment plain: has no launch template, so nothing makes /scratch of the disks',
      'queue off: is disabled',
      'job definition nothing: is not there',
      expect.stringMatching(/^image of the tasks: .*DescribeImages/),
      'log of the tasks: there is no log group /nothing',
      'work folder: far-away is in us-west-2, the queues are in eu-central-1',
      'database: there is no bucket no-such-bucket',
      'input: there is nothing at s3://lanceflow-test/inptu',
    ]);
  });

  test('another region has none of the queues', async () => {
    const { failures } = await doctor({ aws_region: 'us-east-2' });
    expect(failures).toEqual(expect.arrayContaining(['queue lanceflow-head: is not there']));
    expect(failures).toContain('work folder: lanceflow-test is in eu-central-1, the queues are in us-east-2');
  });

  test('no credentials, unknown ones, no rights, nobody there: one failure', async () => {
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
