import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { parseStateMachine } from '../../workers/src/cloud/lambda/client/state-machine.ts';
import { missingPython, ROOT } from '../support/run.ts';
import { readTemplate, statementsIn, type Template } from './support/read-template.ts';

// Parameters of both templates, and what depends on the account: its partition and its keys.

const FILES = ['lanceflow-ask', 'lanceflow'] as const;
const PARTITIONS = { aws: 'eu-central-1', 'aws-cn': 'cn-north-1', 'aws-us-gov': 'us-gov-west-1' };
const skip = missingPython();
const templates = {} as Record<(typeof FILES)[number], Template>;
beforeAll(async () => {
  if (skip) return;
  for (const name of FILES) templates[name] = await readTemplate(join(ROOT, `infra/${name}.yaml`));
});

const accepts = (name: (typeof FILES)[number], parameter: string, value: string) => {
  const { AllowedPattern } = templates[name].Parameters[parameter]!;
  return new RegExp(`^(?:${AllowedPattern})$`).test(value);
};

describe.skipIf(skip)('the parameters of the templates', () => {
  test('refuse what could not work', () => {
    const image = '123456789012.dkr.ecr.eu-central-1.amazonaws.com/lanceflow';
    for (const [parameter, right, wrong] of [
      ['Prefix', ['lanceflow', 'a1'], ['', 'Lance', 'lance_flow', '1a']],
      [
        'ImageUri',
        [`${image}:lambda-0.1.0`, `${image}@sha256:${'0'.repeat(64)}`],
        [image, 'lanceflow:latest', 'docker.io/a/b:1'],
      ],
      ['DatabaseBucket', ['my-lanceflow'], ['', 's3://my-lanceflow', 'My']],
      ['DatabasePrefix', ['database/proteins', 'd=1/e'], ['', '/database', 'database/', 'a*', 'a$b', 'a//b']],
      ['ModelPrefix', ['', 'models/AMPLIFY_350M'], ['models/', 'models/*']],
      ['AccessLogBucket', ['', 'logs'], ['s3://logs']],
      [
        'AlarmTopicArn',
        ['', 'arn:aws:sns:eu-central-1:123456789012:alarms'],
        ['alarms', 'arn:aws:sqs:eu-central-1:123456789012:alarms'],
      ],
      [
        'ResultsKmsKeyArn',
        ['', 'arn:aws:kms:eu-central-1:123456789012:key/0-a'],
        ['alias/mine', 'arn:aws:kms:eu-central-1:123456789012:alias/mine', '*'],
      ],
    ] as const) {
      for (const value of right) expect(accepts('lanceflow-ask', parameter, value), `${parameter} ${value}`).toBe(true);
      for (const value of wrong)
        expect(accepts('lanceflow-ask', parameter, value), `${parameter} ${value}`).toBe(false);
    }
  });

  test('have defaults that they accept', () => {
    for (const name of FILES)
      for (const [parameter, { Default, AllowedPattern }] of Object.entries(templates[name].Parameters))
        if (Default !== undefined && AllowedPattern !== undefined)
          expect(accepts(name, parameter, `${Default}`), `${name} ${parameter}`).toBe(true);
  });

  test('are all in a group of the console', () => {
    const { Metadata, Parameters } = templates['lanceflow-ask'];
    const groups = Metadata!['AWS::CloudFormation::Interface'].ParameterGroups;
    expect(groups.flatMap((group) => group.Parameters).sort()).toEqual(Object.keys(Parameters).sort());
  });

  test('work in every partition: AWS, China, GovCloud', async () => {
    for (const [partition, region] of Object.entries(PARTITIONS)) {
      const domain = partition === 'aws-cn' ? 'amazonaws.com.cn' : 'amazonaws.com';
      expect(accepts('lanceflow-ask', 'ImageUri', `123456789012.dkr.ecr.${region}.${domain}/lanceflow:1`)).toBe(true);
      for (const key of ['DatabaseKmsKeyArn', 'ModelKmsKeyArn', 'ResultsKmsKeyArn'])
        expect(accepts('lanceflow-ask', key, `arn:${partition}:kms:${region}:123456789012:key/0-a`)).toBe(true);
      for (const name of FILES)
        expect(accepts(name, 'AlarmTopicArn', `arn:${partition}:sns:${region}:123456789012:t`)).toBe(true);
      const arn = `arn:${partition}:states:${region}:123456789012:stateMachine:lanceflow-ask:live`;
      expect(parseStateMachine(arn)).toMatchObject({ region, results: `s3://lanceflow-ask-123456789012-${region}` });
    }
    for (const name of FILES) {
      const text = (await readFile(join(ROOT, `infra/${name}.yaml`), 'utf8')).replaceAll(
        /^ *(AllowedPattern:|#).*$/gm,
        '',
      );
      expect(text.match(/arn:aws[:-]/g), name).toBeNull();
      // Principals have this name in all partitions.
      for (const [service] of text.matchAll(/[\w.-]*amazonaws\.com/g))
        expect(service).toMatch(/^(lambda|states|events|ec2|ecs-tasks)\.amazonaws\.com$/);
    }
  });

  test('without keys of KMS, nothing may use one', () => {
    for (const name of FILES) {
      const policies = Object.values(templates[name].Resources).filter(
        ({ Type }) => Type === 'AWS::IAM::ManagedPolicy',
      );
      for (const { Condition, Properties } of policies) {
        const { Statement } = Properties.PolicyDocument as {
          Statement: Array<{ Action: string | string[]; Resource: unknown }>;
        };
        for (const { Action, Resource } of Statement) {
          if (!/kms:/.test(JSON.stringify(Action))) continue;
          if (Condition !== undefined) expect(Condition).toMatch(/^Has\w*Key$/);
          else expect(JSON.stringify(Resource)).toMatch(/Fn::If.*Has\w*Key.*key\/none/);
        }
      }
    }
    expect(statementsIn(templates['lanceflow-ask']).some(({ Sid }) => Sid === 'UseResultsKey')).toBe(true);
  });
});
