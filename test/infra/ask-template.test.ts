// biome-ignore-all lint/suspicious/noTemplateCurlyInString: CloudFormation's variables
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import {
  LAMBDA_LIMITS,
  MOST_SEARCH_SECONDS,
  requireStackFits,
} from '../../workers/src/cloud/lambda/question-limits.ts';
import { bucketOf } from '../support/large-bucket.ts';
import { missingPython, ROOT, run, temporaryFolder } from '../support/run.ts';
import { listOf, readTemplate, statementsIn, type Template } from './support/read-template.ts';

// Checks the promises of infra/lanceflow-ask.yaml on the template itself.

const TEMPLATE = join(ROOT, 'infra/lanceflow-ask.yaml');

interface State {
  Type: string;
  Retry?: Array<{ ErrorEquals: string[]; BackoffRate: number; JitterStrategy: string; MaxAttempts: number }>;
  Catch?: unknown[];
  ItemProcessor?: { States: Record<string, State> };
  TimeoutSeconds?: number;
  Parameters?: { FunctionName: string };
}

/** An alarm on an expression. */
interface MathAlarm {
  TreatMissingData: string;
  Metrics: Array<{
    Id: string;
    ReturnData: boolean;
    Expression?: string;
    MetricStat?: {
      Metric: {
        Namespace: string;
        MetricName: string;
        Dimensions: Array<{ Name: string; Value: string | { 'Fn::Sub': string } }>;
      };
    };
  }>;
}

const skip = missingPython();
let template: Template;
beforeAll(async () => {
  if (!skip) template = await readTemplate(TEMPLATE);
});

const of = (type: string) => Object.entries(template.Resources).filter(([, resource]) => resource.Type === type);
const machine = () =>
  template.Resources.StateMachine!.Properties as {
    Definition: { States: Record<string, State>; TimeoutSeconds: number };
    DefinitionSubstitutions: Record<string, { Ref: string } | { 'Fn::Sub': string }>;
  };
const variablesOf = (name: string) =>
  (template.Resources[name]!.Properties.Environment as { Variables: Record<string, unknown> }).Variables;
const longest = (parameter: string) => {
  const { MaxLength, AllowedPattern = '', MaxValue } = template.Parameters[parameter]!;
  return '9'.repeat(MaxLength ?? (AllowedPattern ? Number(/(\d+)\}$/.exec(AllowedPattern)![1]) : `${MaxValue}`.length));
};
const states = (all: Record<string, State>): Array<[string, State]> =>
  Object.entries(all).flatMap(([name, state]) => [[name, state], ...states(state.ItemProcessor?.States ?? {})]);

describe.skipIf(skip)('infra/lanceflow-ask.yaml', () => {
  test('is a valid template', async () => {
    const { code, stdout } = await run(join(ROOT, '.tools/python/bin/cfn-lint'), [TEMPLATE]);
    expect(code, stdout).toBe(0);
  });

  test('has a valid state machine, whose functions are versions', async () => {
    const { Definition, DefinitionSubstitutions } = machine();
    const text = JSON.stringify(Definition);
    const file = join(await temporaryFolder(), 'machine.json');
    const version = 'arn:aws:lambda:eu-central-1:123456789012:function:f:1';
    const { Invoke, ...functions } = DefinitionSubstitutions;
    // In every partition: aws, aws-cn, aws-us-gov.
    expect(Invoke).toEqual({ 'Fn::Sub': 'arn:${AWS::Partition}:states:::lambda:invoke' });
    expect(text).not.toContain('arn:aws:');
    const invoke = 'arn:aws:states:::lambda:invoke';
    await writeFile(file, text.replaceAll('${Invoke}', invoke).replaceAll(/\$\{\w+\}/g, version));
    const { code, stdout, stderr } = await run(join(ROOT, 'node_modules/.bin/asl-validator'), ['--json-path', file]);
    expect(code, stdout + stderr).toBe(0);
    for (const one of Object.values(functions))
      expect('Ref' in one && template.Resources[one.Ref]!.Type).toBe('AWS::Lambda::Version');
    const named = new Set(Array.from(text.matchAll(/\$\{(\w+)\}/g), ([, name]) => name));
    expect([...named].sort()).toEqual(Object.keys(DefinitionSubstitutions).sort());
  });

  test('retries throttling and faults of services, with backoff and jitter, but not wrong data', () => {
    const tasks = states(machine().Definition.States).filter(([, { Type }]) => Type === 'Task');
    expect(tasks).toHaveLength(5);
    for (const [name, { Retry = [], Catch = [] }] of tasks) {
      for (const { BackoffRate, JitterStrategy, MaxAttempts } of Retry) {
        expect(BackoffRate, name).toBeGreaterThan(1);
        expect(JitterStrategy, name).toBe('FULL');
        expect(MaxAttempts, name).toBeGreaterThan(2);
      }
      const retried = Retry.flatMap(({ ErrorEquals }) => ErrorEquals);
      expect(retried, name).toContain('Lambda.TooManyRequestsException');
      expect(retried, name).toContain('TransientError');
      expect(retried.filter((error) => /DataError|UsageError|States\.ALL/.test(error))).toEqual([]);
      // A search that fails becomes an answer that names its bucket.
      expect(Catch, name).toHaveLength(name.startsWith('Search') ? 1 : 0);
    }
  });

  test('a change of Release publishes versions, and earlier ones are kept', () => {
    const versions = [...of('AWS::Lambda::Version'), ...of('AWS::StepFunctions::StateMachineVersion')];
    expect(versions).toHaveLength(5);
    for (const [name, { Properties, DeletionPolicy }] of versions) {
      expect(Properties.Description, name).toEqual({ 'Fn::Sub': expect.stringMatching(/^Release \$\{Release\}/) });
      expect(DeletionPolicy, name).toBe('Retain');
    }
    // Lambda publishes no second version of an unchanged function.
    for (const [name, { Properties }] of of('AWS::Lambda::Function'))
      expect(Properties.Environment, name).toMatchObject({ Variables: { LANCEFLOW_RELEASE: { Ref: 'Release' } } });
    expect(template.Resources.Live!.Properties.DeploymentPreference).toMatchObject({
      Type: 'CANARY',
      Alarms: [{ Ref: 'FailedQuestions' }, { Ref: 'FailedSearches' }],
    });
  });

  test('another image, memory, disk or time limit publishes a version by itself', () => {
    for (const [name, { Properties }] of of('AWS::Lambda::Version')) {
      const { Ref } = Properties.FunctionName as { Ref: string };
      const { Code, MemorySize, EphemeralStorage, Timeout } = template.Resources[Ref]!.Properties;
      const sizes = Object.entries(variablesOf(Ref)).filter(([name]) => /_(MB|SECONDS|RESERVED)$/.test(name));
      const used = JSON.stringify([Code, MemorySize, EphemeralStorage, Timeout, sizes]).matchAll(/"Ref":"(\w+)"/g);
      const { 'Fn::Sub': description } = Properties.Description as { 'Fn::Sub': string };
      const named = Array.from(description.matchAll(/\$\{(\w+)\}/g), ([, parameter]) => parameter);
      expect(named.sort(), name).toEqual(
        ['Release', ...new Set(Array.from(used, ([, parameter]) => parameter))].sort(),
      );
      // Of the longest values.
      expect(description.replace(/\$\{(\w+)\}/g, (_, parameter) => longest(parameter)).length, name).toBeLessThan(256);
    }
  });

  test('plan knows disk, memory and time of the functions, whose defaults fit the questions of the documentation', () => {
    const { EphemeralStorage, MemorySize, Timeout } = template.Resources.SearchBucket!.Properties;
    const { SearchDiskMb, SearchMemoryMb, SearchTimeoutSeconds, AggregateDiskMb } = template.Parameters;
    expect(variablesOf('Plan')).toMatchObject({
      LANCEFLOW_SEARCH_DISK_MB: (EphemeralStorage as { Size: unknown }).Size,
      LANCEFLOW_SEARCH_MEMORY_MB: MemorySize,
      LANCEFLOW_SEARCH_SECONDS: Timeout,
      LANCEFLOW_AGGREGATE_DISK_MB: (template.Resources.Aggregate!.Properties.EphemeralStorage as { Size: unknown })
        .Size,
      LANCEFLOW_RESERVED: { Ref: 'ReservedConcurrency' },
    });
    const limits = {
      diskMb: Number(SearchDiskMb!.Default),
      memoryMb: Number(SearchMemoryMb!.Default),
      seconds: Number(SearchTimeoutSeconds!.Default),
      mergeDiskMb: Number(AggregateDiskMb!.Default),
    };
    const database = Array.from({ length: 18 }, () => bucketOf(200e6));
    const settings = { k: 50_000, excludeSelf: false };
    const fits = (some: object, queries: number) => () =>
      requireStackFits(database, { ...settings, ...some }, queries, 40, limits);
    expect(fits({ nprobes: 20 }, 1)).not.toThrow();
    expect(fits({ k: 1000 }, 1)).not.toThrow();
    expect(fits({ k: 5, nprobes: 20 }, 100)).not.toThrow();
    // With 5% of the partitions, as docs/in-place.md says.
    expect(fits({ refineFactor: 2 }, 1)).not.toThrow();
    expect(fits({}, 1)).toThrow(/SearchTimeoutSeconds 120/);
    limits.seconds = 600;
    expect(fits({}, 1)).not.toThrow();
    // What Lambda allows is what the parameters allow.
    expect([SearchDiskMb!.MaxValue, SearchMemoryMb!.MaxValue, SearchTimeoutSeconds!.MaxValue]).toEqual([
      LAMBDA_LIMITS.diskMb,
      LAMBDA_LIMITS.memoryMb,
      LAMBDA_LIMITS.seconds,
    ]);
  });

  test('each state waits longer than its function may take, and the execution longer than its searches', () => {
    const { Definition, DefinitionSubstitutions } = machine();
    const limitOf = (name: string) => {
      const { Ref } = (DefinitionSubstitutions as Record<string, { Ref: string }>)[name]!;
      const { Timeout } = template.Resources[Ref.replace(/Version$/, '')]!.Properties;
      return typeof Timeout === 'number' ? Timeout : template.Parameters[(Timeout as { Ref: string }).Ref]!.MaxValue!;
    };
    for (const [name, { Type, TimeoutSeconds, Parameters }] of states(Definition.States)) {
      if (Type !== 'Task') continue;
      expect(TimeoutSeconds, name).toBeGreaterThan(limitOf(/\w+/.exec(Parameters!.FunctionName)![0]));
    }
    expect(Definition.TimeoutSeconds).toBeGreaterThan(
      MOST_SEARCH_SECONDS + limitOf('PlanArn') + limitOf('AggregateArn'),
    );
  });

  test('each role writes only its own part of the results, and nobody writes the database', () => {
    const writes = (role: string) =>
      statementsIn(template)
        .filter(({ roles, Action }) => roles.includes(role) && listOf(Action).includes('s3:PutObject'))
        .flatMap(({ Resource }) => listOf(Resource as { 'Fn::Sub': string }).map((resource) => resource['Fn::Sub']));
    expect(writes('EmbedRole')).toEqual(['${Results.Arn}/queries/*']);
    expect(writes('PlanRole')).toEqual(['${Results.Arn}/queries/*']);
    expect(writes('SearchRole')).toEqual(['${Results.Arn}/parts/*']);
    expect(writes('AggregateRole')).toEqual(['${Results.Arn}/answers/*']);
    expect(writes('StateRole')).toEqual([]);
    for (const { Action, Resource, Sid } of statementsIn(template)) {
      for (const action of listOf(Action)) expect(action, Sid).not.toMatch(/\*|Delete(Object|Bucket)/);
      if (Resource === '*') expect(['DeliverLogs', 'WriteTraces']).toContain(Sid);
    }
  });

  test('functions that are traced are created after the right to write traces', () => {
    // Lambda checks it: https://github.com/aws/serverless-application-model/issues/225
    for (const [name, { Metadata, Properties }] of of('AWS::Lambda::Function')) {
      expect(Properties.TracingConfig, name).toEqual({ Mode: { 'Fn::If': ['IsTraced', 'Active', 'PassThrough'] } });
      expect(Metadata, name).toEqual({ Traces: { 'Fn::If': ['IsTraced', { Ref: 'WriteTraces' }, ''] } });
    }
    expect(template.Resources.WriteTraces!.Condition).toBe('IsTraced');
  });

  test('roles have these policies only', () => {
    const roles = of('AWS::IAM::Role');
    expect(roles).toHaveLength(5);
    for (const [name, { Properties }] of roles) {
      expect(Properties.Policies, name).toBeUndefined();
      expect(Properties.ManagedPolicyArns, name).toBeUndefined();
    }
  });

  test('results expire, and the bucket refuses plain HTTP and the public', () => {
    const { LifecycleConfiguration, PublicAccessBlockConfiguration } = template.Resources.Results!.Properties as {
      LifecycleConfiguration: { Rules: Array<{ Prefix?: string; ExpirationInDays?: unknown }> };
      PublicAccessBlockConfiguration: object;
    };
    const expiring = LifecycleConfiguration.Rules.filter(({ ExpirationInDays }) => ExpirationInDays !== undefined);
    expect(expiring.map(({ Prefix }) => Prefix).sort()).toEqual(['answers/', 'parts/', 'queries/']);
    expect(Object.values(PublicAccessBlockConfiguration)).toEqual([true, true, true, true]);
    expect(template.Resources.ResultsPolicy!.Properties.PolicyDocument).toMatchObject({
      Statement: [{ Effect: 'Deny', Action: 's3:*', Condition: { Bool: { 'aws:SecureTransport': 'false' } } }],
    });
  });

  test('logs expire, and searches have a limit and alarms', () => {
    const functions = of('AWS::Lambda::Function');
    expect(of('AWS::Logs::LogGroup')).toHaveLength(functions.length + 1);
    for (const [name, { Properties }] of of('AWS::Logs::LogGroup'))
      expect(Properties.RetentionInDays, name).toEqual({ Ref: 'LogRetentionDays' });
    expect(template.Resources.SearchBucket!.Properties.ReservedConcurrentExecutions).toBeDefined();
    const alarms = of('AWS::CloudWatch::Alarm').map(([name]) => name);
    expect(alarms.sort()).toEqual(['FailedQuestions', 'FailedSearches', 'ThrottledSearches', 'TimedOutQuestions']);
    expect(template.Resources.ThrottledSearches!.Properties.MetricName).toBe('Throttles');
    expect(template.Resources.TimedOutQuestions!.Properties.MetricName).toBe('ExecutionsTimedOut');
  });

  test('wrong questions and retried faults raise no alarm; failed questions and killed functions do', () => {
    const watchedValue = (alarm: string, counts: Record<string, number>) => {
      const { Metrics, TreatMissingData } = template.Resources[alarm]!.Properties as unknown as MathAlarm;
      expect(TreatMissingData).toBe('notBreaching');
      const [result, ...others] = Metrics.filter(({ ReturnData }) => ReturnData);
      expect(others).toEqual([]);
      // Without a data point, FILL returns 0, and the first metric makes the result missing.
      return result!
        .Expression!.replaceAll(/FILL\((\w+), 0\)/g, '$1')
        .split(' - ')
        .map((id) => {
          const { Namespace, MetricName, Dimensions } = Metrics.find(({ Id }) => Id === id)!.MetricStat!.Metric;
          const of = Dimensions.find(({ Name }) => Name === 'step' || Name === 'FunctionName')?.Value ?? 'machine';
          const name = typeof of === 'string' ? of : of['Fn::Sub'].replace('${Prefix}-ask-', '');
          return counts[`${Namespace} ${MetricName} ${name}`] ?? 0;
        })
        .reduce((sum, count) => sum - count);
    };
    const failed = (count: number) => ({ 'AWS/States ExecutionsFailed machine': count });
    const wrong = { 'LanceFlow WrongQuestions plan': 4, 'LanceFlow WrongQuestions embed': 3 };
    expect(watchedValue('FailedQuestions', { ...failed(7), ...wrong })).toBe(0);
    expect(watchedValue('FailedQuestions', { ...failed(9), ...wrong })).toBe(2);
    expect(watchedValue('FailedQuestions', failed(3))).toBe(3);
    const errors = { 'AWS/Lambda Errors search-bucket': 5 };
    expect(watchedValue('FailedSearches', errors)).toBe(5);
    expect(watchedValue('FailedSearches', { ...errors, 'LanceFlow TransientFaults search-bucket': 5 })).toBe(0);
  });
});
