// biome-ignore-all lint/suspicious/noTemplateCurlyInString: CloudFormation's variables
import { chmod, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { hasGpu, hasInstanceStorage } from '../../workers/src/cloud/doctor/queues.ts';
import { jobNameOf } from '../../workers/src/cloud/launch/campaign.ts';
import { missingPython, python, ROOT, run, temporaryFolder } from '../support/run.ts';

// Checks the promises of infra/lanceflow.yaml on the template itself.

const TEMPLATE = join(ROOT, 'infra/lanceflow.yaml');
const SCRIPT = join(ROOT, 'infra/mount-scratch.sh');
const DECODE = `
import json, sys
from cfnlint.decode import decode
print(json.dumps(decode(sys.argv[1])[0]))`;

interface Statement {
  Effect: string;
  Action: string | string[];
  Resource: unknown;
  Principal?: unknown;
  Condition?: Record<string, Record<string, unknown>>;
}
interface Sub {
  'Fn::Sub': string;
}
interface Resource {
  Type: string;
  Condition?: string;
  /** The properties that the tests read, of any type. */
  Properties: {
    Policies?: unknown;
    ManagedPolicyArns?: Array<Sub | { Ref: string }>;
    Roles?: Array<{ Ref: string }>;
    PolicyDocument: { Statement: Statement[] };
    PublicAccessBlockConfiguration: Record<string, unknown>;
    LifecycleConfiguration: { Rules: unknown[] };
    SecurityGroupIngress?: unknown;
    ComputeResources: {
      Type: unknown;
      InstanceTypes: { 'Fn::Split': [string, { Ref: string }] };
      LaunchTemplate: { LaunchTemplateId: unknown };
    };
    JobQueueName: Sub;
    JobStateTimeLimitActions?: Array<{ State: string; Reason: string; Action: string }>;
    LogGroupName: Sub;
    LaunchTemplateData: { UserData: { 'Fn::Base64': string }; InstanceInitiatedShutdownBehavior: string };
    ImageTagMutability: string;
    LifecyclePolicy: { LifecyclePolicyText: Sub };
    ContainerProperties: Record<string, unknown>;
    Targets: [{ InputTransformer: { InputTemplate: string } }];
  };
}

let template: { Parameters: Record<string, { Default?: string }>; Resources: Record<string, Resource> };
const skip = missingPython();
beforeAll(async () => {
  if (!skip) template = await python(DECODE, TEMPLATE);
});

const of = (type: string) => Object.entries(template.Resources).filter(([, resource]) => resource.Type === type);
const list = <T>(value: T | T[]): T[] => (Array.isArray(value) ? value : [value]);
/** Lists the statements of a role's managed policies; of all policies where no role is given. */
const statements = (role?: string): Statement[] =>
  of('AWS::IAM::ManagedPolicy')
    .filter(([, { Properties }]) => !role || Properties.Roles?.some(({ Ref }) => Ref === role))
    .flatMap(([, { Properties }]) => Properties.PolicyDocument.Statement)
    .map((statement) => (statement as unknown as { 'Fn::If'?: [string, Statement] })['Fn::If']?.[1] ?? statement);
const writesToS3 = ({ Action }: Statement) =>
  list(Action).some((action) => /^(\*|s3:(\*|Put|Delete|Abort|Create|Replicate|Restore))/.test(action));
const resources = ({ Resource }: Statement) =>
  list(Resource as object).map((each) => (each as { 'Fn::Sub'?: string })['Fn::Sub'] ?? JSON.stringify(each));

describe.skipIf(skip)('infra/lanceflow.yaml', () => {
  test('is a valid template', async () => {
    const { code, stdout } = await run(join(ROOT, '.tools/python/bin/cfn-lint'), [TEMPLATE]);
    expect(code, stdout).toBe(0);
  });

  test('allows writes to S3 below work/, database/ and results/ only', () => {
    const written = (role?: string) => [...new Set(statements(role).filter(writesToS3).flatMap(resources))].sort();
    expect(written()).toEqual(['${Bucket.Arn}/database/*', '${Bucket.Arn}/results/*', '${Bucket.Arn}/work/*']);
    expect(written('TaskRole')).toEqual(['${Bucket.Arn}/database/*', '${Bucket.Arn}/work/*']);
    expect(written('ReaderRole')).toEqual(['${Bucket.Arn}/work/*']);
    expect(written('HeadRole')).toEqual(['${Bucket.Arn}/results/*', '${Bucket.Arn}/work/*']);
  });

  test('allows only reading on all resources', () => {
    const everywhere = statements().filter((statement) => resources(statement).includes('"*"'));
    expect(everywhere.length).toBeGreaterThan(0);
    for (const { Action } of everywhere)
      for (const action of list(Action)) expect(action).toMatch(/^(batch|logs):(Describe|List)\w+$/);
    for (const { Action } of statements()) for (const action of list(Action)) expect(action).not.toMatch(/\*/);
  });

  test('roles have these policies only, and those of AWS that machines need', () => {
    for (const [name, { Properties }] of of('AWS::IAM::Role')) {
      expect(Properties.Policies, name).toBeUndefined();
      const managed = Properties.ManagedPolicyArns ?? [];
      expect(managed.map((arn) => ('Ref' in arn ? arn.Ref : arn['Fn::Sub'].split('/').at(-1))).join(), name).toMatch(
        /^(|LaunchPolicy|AmazonEC2ContainerServiceforEC2Role|AmazonECSTaskExecutionRolePolicy)$/,
      );
    }
  });

  test('the bucket refuses plain HTTP and the public', () => {
    const [, policy] = of('AWS::S3::BucketPolicy')[0]!;
    const [statement] = policy.Properties.PolicyDocument.Statement;
    expect(statement).toMatchObject({
      Effect: 'Deny',
      Principal: '*',
      Action: 's3:*',
      Condition: { Bool: { 'aws:SecureTransport': 'false' } },
    });
    expect(resources(statement!)).toEqual(['{"Fn::GetAtt":["Bucket","Arn"]}', '${Bucket.Arn}/*']);
    for (const [, { Properties }] of of('AWS::S3::Bucket')) {
      expect(Object.values(Properties.PublicAccessBlockConfiguration)).toEqual([true, true, true, true]);
      expect(Properties.LifecycleConfiguration.Rules).toContainEqual(
        expect.objectContaining({ AbortIncompleteMultipartUpload: { DaysAfterInitiation: expect.any(Number) } }),
      );
    }
  });

  test('no resource can be reached from outside', () => {
    for (const [, { Properties }] of of('AWS::EC2::SecurityGroup'))
      expect(Properties.SecurityGroupIngress).toBeUndefined();
  });

  test('machines of each queue have what its tasks need, and are Spot by default', () => {
    expect(template.Parameters.CapacityType?.Default).toBe('SPOT');
    const types = (name: string) => {
      const { Ref } = template.Resources[name]!.Properties.ComputeResources.InstanceTypes['Fn::Split'][1];
      return template.Parameters[Ref]!.Default!.split(',');
    };
    for (const name of ['StorageEnvironment', 'LightEnvironment', 'GpuEnvironment']) {
      const { Type, LaunchTemplate } = template.Resources[name]!.Properties.ComputeResources;
      expect(Type, name).toEqual({ Ref: 'CapacityType' });
      // /scratch is on NVMe disks everywhere.
      expect(types(name).filter((type) => !hasInstanceStorage(type))).toEqual([]);
      // Spot may lack a single type for hours.
      expect(types(name).length, name).toBeGreaterThan(1);
      expect(LaunchTemplate.LaunchTemplateId, name).toEqual({ Ref: 'LaunchTemplate' });
    }
    expect(types('GpuEnvironment').every(hasGpu)).toBe(true);
    expect(template.Resources.HeadEnvironment!.Properties.ComputeResources.Type).toBe('FARGATE');
  });

  test('no queue holds a job that cannot run', () => {
    const queues = of('AWS::Batch::JobQueue');
    expect(queues).toHaveLength(4);
    for (const [name, { Properties }] of queues) {
      const actions = Properties.JobStateTimeLimitActions ?? [];
      for (const { State, Action } of actions) expect([State, Action], name).toEqual(['RUNNABLE', 'CANCEL']);
      expect(actions.map(({ Reason }) => Reason).sort(), name).toEqual([
        'CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY',
        'MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE',
        'MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT',
      ]);
    }
  });

  test('a machine that shuts down is terminated, and images are immutable', () => {
    const { LaunchTemplateData } = template.Resources.LaunchTemplate!.Properties;
    expect(LaunchTemplateData.InstanceInitiatedShutdownBehavior).toBe('terminate');
    const { ImageTagMutability, LifecyclePolicy } = template.Resources.Repository!.Properties;
    expect(ImageTagMutability).toBe('IMMUTABLE');
    const { rules } = JSON.parse(
      LifecyclePolicy.LifecyclePolicyText['Fn::Sub'].replace('${KeptImages}', template.Parameters.KeptImages!.Default!),
    );
    expect(rules).toHaveLength(2);
  });

  test("tasks that build nothing run unprivileged on /scratch, as the image's user and with the readers' role", () => {
    expect(template.Resources.ReaderJob!.Properties.ContainerProperties).toMatchObject({
      Privileged: false,
      User: '1000',
      JobRoleArn: { 'Fn::GetAtt': ['ReaderRole', 'Arn'] },
      MountPoints: [{ SourceVolume: 'scratch', ContainerPath: '/scratch', ReadOnly: false }],
      Volumes: [{ Name: 'scratch', Host: { SourcePath: '/scratch' } }],
    });
  });

  test('data that arrives starts a campaign only where ArrivalPrefix is set', async () => {
    expect(template.Parameters.ArrivalPrefix!.Default).toBe('');
    const optional = Object.entries(template.Resources).filter(([, { Condition }]) => Condition === 'HasArrivals');
    expect(optional.map(([name]) => name).sort()).toEqual([
      'ArrivalEvents',
      'ArrivalJob',
      'ArrivalRole',
      'Arrivals',
      'ArrivalsFailed',
      'FailedArrivalJobs',
      'FailedArrivals',
      'FailedArrivalsPolicy',
      'SubmitArrivals',
    ]);
    const { Command } = template.Resources.ArrivalJob!.Properties.ContainerProperties as { Command: string[] };
    const folder = await temporaryFolder();
    for (const name of ['aws', 'lanceflow']) {
      await writeFile(join(folder, name), `#!/bin/sh\necho ${name} "$@"\n`);
      await chmod(join(folder, name), 0o755);
    }
    const env = { PATH: `${folder}:${process.env.PATH}`, BUCKET: 'b', PARAMETERS: 'input/weekly.json' };
    const start = (KEY: string) => run(Command[0]!, Command.slice(1), { cwd: folder, env: { ...env, KEY } });
    const { stdout, stderr } = await start('input/weekly/2026.48.ready');
    expect(stderr).toBe('');
    expect(stdout.split('\n')).toEqual([
      'aws s3 cp --only-show-errors s3://b/input/weekly.json campaign.json',
      'lanceflow launch --campaign arrival-2026-48 --params-file campaign.json --params-file input.json --work-dir s3://b/work --no-follow',
      '',
    ]);
    expect(JSON.parse(await readFile(join(folder, 'input.json'), 'utf8'))).toEqual({
      input: 's3://b/input/weekly/2026.48',
    });
    expect(await start('input/weekly/$(x) "y".ready')).toMatchObject({ code: 64, stdout: '' });
    // EventBridge replaces <key> by a JSON text.
    const [{ InputTransformer }] = template.Resources.Arrivals!.Properties.Targets;
    const key = 'input/weekly/"}], "Command": ["x"], "y": [{"z": "';
    expect(JSON.parse(InputTransformer.InputTemplate.replace('<key>', JSON.stringify(key)))).toEqual({
      ContainerOverrides: { Environment: [{ Name: 'KEY', Value: key }] },
    });
  });

  test('an arrival that starts no campaign, or whose campaign fails, reaches a queue with an alarm', () => {
    const { Arrivals, FailedArrivalJobs, FailedArrivals, FailedArrivalsPolicy, ArrivalsFailed } = template.Resources;
    const queue = { 'Fn::GetAtt': ['FailedArrivals', 'Arn'] };
    expect(Arrivals!.Properties.Targets).toMatchObject([{ DeadLetterConfig: { Arn: queue } }]);
    expect(FailedArrivalJobs!.Properties).toMatchObject({
      EventPattern: { source: ['aws.batch'], detail: { status: ['FAILED'] } },
      Targets: [{ Arn: queue }],
    });
    // Of the job itself, and of the head of the campaign that it starts.
    const { detail } = (
      FailedArrivalJobs!.Properties as unknown as { EventPattern: { detail: { jobName: unknown[] } } }
    ).EventPattern;
    expect(template.Resources.Arrivals!.Properties.Targets[0]).toMatchObject({
      BatchParameters: { JobName: detail.jobName[0] },
    });
    const [, { prefix }] = detail.jobName as [unknown, { prefix: string }];
    expect(jobNameOf('arrival-2026-48').startsWith(prefix)).toBe(true);
    expect(FailedArrivals!.Properties).toMatchObject({ SqsManagedSseEnabled: true });
    const rules = ['Arrivals', 'FailedArrivalJobs'].map((name) => ({ 'Fn::GetAtt': [name, 'Arn'] }));
    const [allowed, ...others] = FailedArrivalsPolicy!.Properties.PolicyDocument.Statement;
    expect(allowed).toMatchObject({
      Principal: { Service: 'events.amazonaws.com' },
      Action: 'sqs:SendMessage',
      Resource: queue,
      Condition: { ArnEquals: { 'aws:SourceArn': rules } },
    });
    expect(others.map(({ Effect }) => Effect)).toEqual(['Deny']);
    expect(ArrivalsFailed!.Properties).toMatchObject({
      MetricName: 'ApproximateNumberOfMessagesVisible',
      Dimensions: [{ Value: { 'Fn::GetAtt': ['FailedArrivals', 'QueueName'] } }],
      Threshold: 1,
    });
  });

  test("names are the defaults of the pipeline's parameters", async () => {
    const config = await readFile(join(ROOT, 'nextflow.config'), 'utf8');
    const prefix = template.Parameters.Prefix!.Default!;
    const names = [...of('AWS::Batch::JobQueue').map(([, { Properties }]) => Properties.JobQueueName['Fn::Sub'])];
    for (const kind of ['light', 'storage', 'gpu']) {
      expect(names).toContain(`\${Prefix}-${kind}`);
      expect(config).toMatch(new RegExp(`aws_queue_${kind} += '${prefix}-${kind}'`));
    }
    expect(template.Resources.TaskLogs!.Properties.LogGroupName['Fn::Sub']).toBe('/${Prefix}/tasks');
    expect(config).toContain(`'/${prefix}/tasks'`);
  });

  test('the user data is the script, as one part of a MIME message', async () => {
    const data = template.Resources.LaunchTemplate!.Properties.LaunchTemplateData.UserData['Fn::Base64'];
    const parse = `
import email, json, sys
message = email.message_from_string(sys.argv[1])
print(json.dumps([[part.get_content_type(), part.get_payload()] for part in message.walk() if not part.is_multipart()]))`;
    const parts = await python<string[][]>(parse, data);
    expect(parts.map(([type, text]) => [type, text!.trim()])).toEqual([
      ['text/x-shellscript', (await readFile(SCRIPT, 'utf8')).trim()],
    ]);
  });
});
