// @module-tag slow

import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { serveFunctions } from '../support/ask-handlers.ts';
import { type AskFunction, type AskStack, FUNCTIONS, startAskStack } from '../support/ask-stack.ts';
import { missingPython } from '../support/run.ts';

// Executes the state machine of the deployed infra/lanceflow-ask.yaml in moto's engine. The functions are stand-ins, which answer in the
// way of Lambda's emulator; test/containers/ask-remote.ts runs the functions themselves.

interface Call {
  name: AskFunction;
  payload: Record<string, unknown>;
}
type Answer = (payload: Record<string, unknown>) => unknown;

interface Ended {
  status: string;
  output?: Record<string, unknown>;
  error?: string;
  cause?: string;
}

const keyArn = (id: string) => `arn:aws:kms:eu-central-1:123456789012:key/${id}`;
const KEYS = {
  DatabaseKmsKeyArn: keyArn('database'),
  ModelKmsKeyArn: keyArn('model'),
  ResultsKmsKeyArn: keyArn('results'),
};

const skip = missingPython();

describe.skipIf(skip)('the state machine', () => {
  let stack: AskStack;
  let served: Awaited<ReturnType<typeof serveFunctions>>;
  const calls: Call[] = [];
  const answers = {} as Record<AskFunction, Answer>;

  beforeAll(async () => {
    const model = { Model: 's3', ModelBucket: 'models', ModelPrefix: 'm' };
    stack = await startAskStack({ DatabaseBucket: 'lance', DatabasePrefix: 'database/d', ...model, ...KEYS });
    const standIns = FUNCTIONS.map((name) => {
      const answer = async (payload: unknown) => {
        calls.push({ name, payload: payload as Call['payload'] });
        return answers[name](payload as Call['payload']);
      };
      return [name, answer] as const;
    });
    served = await serveFunctions(Object.fromEntries(standIns));
    await stack.answerAt(served.addresses);
  });
  beforeEach(() => {
    calls.length = 0;
    answers.embed = () => ({ count: 1 });
    answers.plan = ({ execution }) => plan(String(execution), ['bucket_00001', 'bucket_00002']);
    answers['search-bucket'] = ({ bucket }) => ({ bucket: (bucket as { name: string }).name, rows: 1 });
    answers.aggregate = ({ parts }) => ({ parts });
  });
  afterAll(async () => {
    served?.close();
    await stack?.stop();
  });

  const plan = (execution: string, names: readonly string[]) => ({
    execution,
    queries: { uri: 's3://results/queries' },
    settings: { k: 10 },
    buckets: names.map((name) => ({ name, etag: 'e' })),
    bucketCount: names.length,
    concurrency: 5,
  });
  const ask = (request: object): Promise<Ended> => stack.python(ASK, stack.outputs.Remote, JSON.stringify(request));
  const called = () => calls.map(({ name }) => name);

  test('plans, searches every bucket, merges', async () => {
    const { status, output } = await ask({ vectors: 'x' });
    expect(status).toBe('SUCCEEDED');
    expect(called().sort()).toEqual(['aggregate', 'plan', 'search-bucket', 'search-bucket']);
    expect(output!.parts).toEqual([
      { bucket: 'bucket_00001', rows: 1 },
      { bucket: 'bucket_00002', rows: 1 },
    ]);
    const search = calls.find(({ name }) => name === 'search-bucket')!.payload;
    expect(Object.keys(search).sort()).toEqual(['bucket', 'execution', 'queries', 'settings']);
  });

  test('embeds sequences first', async () => {
    const { status } = await ask({ sequences: [{ id: 'q', sequence: 'MKV' }] });
    expect(status).toBe('SUCCEEDED');
    expect(called().slice(0, 2)).toEqual(['embed', 'plan']);
    const names = calls.map(({ payload }) => payload.execution);
    expect(new Set(names).size).toBe(1);
    expect(calls[1]!.payload.request).toMatchObject({ sequences: [{ id: 'q', sequence: 'MKV' }] });
  });

  test('searches more than 40 buckets in executions of their own', async () => {
    const names = Array.from({ length: 41 }, (_, i) => `bucket_${i}`);
    answers.plan = ({ execution }) => plan(String(execution), names);
    const { status, output } = await ask({ vectors: 'x' });
    expect(status).toBe('SUCCEEDED');
    expect((output!.parts as Array<{ bucket: string }>).map(({ bucket }) => bucket)).toEqual(names);
    expect(await stack.python<string[]>(EVENTS)).toContain('MapRunStarted');
  });

  test('names the bucket whose search fails, and does not retry wrong data', async () => {
    answers['search-bucket'] = ({ bucket }) =>
      (bucket as { name: string }).name === 'bucket_00002'
        ? { errorType: 'DataError', errorMessage: 'it is damaged' }
        : { bucket: 'bucket_00001', rows: 1 };
    const { output } = await ask({ vectors: 'x' });
    expect(called().filter((name) => name === 'search-bucket')).toHaveLength(2);
    const [, failed] = output!.parts as Array<{ bucket: string; failure: { Error: string; Cause: string } }>;
    expect(failed).toMatchObject({ bucket: 'bucket_00002', failure: { Error: 'DataError' } });
    expect(failed!.failure.Cause).toContain('it is damaged');
  });

  test('retries a passing fault of a search', async () => {
    let failures = 1;
    answers['search-bucket'] = () =>
      failures-- > 0 ? { errorType: 'TransientError', errorMessage: 'S3 answered 503' } : { bucket: 'b', rows: 1 };
    answers.plan = ({ execution }) => plan(String(execution), ['b']);
    const { status } = await ask({ vectors: 'x' });
    expect(status).toBe('SUCCEEDED');
    expect(called()).toEqual(['plan', 'search-bucket', 'search-bucket', 'aggregate']);
  });

  test('ends with the error of a plan or a merge', async () => {
    answers.aggregate = () => ({ errorType: 'DataError', errorMessage: 'bucket_00002 did not answer' });
    const { status, error, cause } = await ask({ vectors: 'x' });
    expect({ status, error }).toEqual({ status: 'FAILED', error: 'DataError' });
    expect(cause).toContain('bucket_00002 did not answer');
  });

  test('the roles may do what their functions do, and no more', async () => {
    const results = `arn:aws:s3:::${stack.outputs.ResultsBucket}`;
    const database = 'arn:aws:s3:::lance/database/d/_catalog/bucket_00001.json';
    const decisions = (role: string, actions: string[], resource: string, prefix = '') =>
      stack.python<string[]>(SIMULATE, role, JSON.stringify(actions), resource, prefix);
    const readWrite = ['s3:GetObject', 's3:PutObject'];
    const [yes, no] = ['allowed', 'implicitDeny'];
    expect(await decisions('SearchRole', readWrite, database)).toEqual([yes, no]);
    expect(await decisions('SearchRole', readWrite, `${results}/parts/e/b.parquet`)).toEqual([yes, yes]);
    expect(await decisions('SearchRole', readWrite, `${results}/answers/e/neighbours.csv`)).toEqual([no, no]);
    expect(await decisions('SearchRole', ['s3:GetObject'], 'arn:aws:s3:::lance/other/x')).toEqual([no]);
    expect(await decisions('SearchRole', ['s3:ListBucket'], 'arn:aws:s3:::lance', 'database/d/')).toEqual([yes]);
    expect(await decisions('SearchRole', ['s3:ListBucket'], 'arn:aws:s3:::lance', 'other/')).toEqual([no]);
    expect(await decisions('EmbedRole', readWrite, database)).toEqual([yes, no]);
    expect(await decisions('EmbedRole', ['s3:ListBucket'], 'arn:aws:s3:::lance', 'database/d/_catalog/')).toEqual([
      yes,
    ]);
    const table = 'arn:aws:s3:::lance/database/d/bucket_00001.lance/data/0.lance';
    expect(await decisions('EmbedRole', ['s3:GetObject'], table)).toEqual([no]);
    expect(await decisions('AggregateRole', readWrite, database)).toEqual([no, no]);
    expect(await decisions('AggregateRole', readWrite, `${results}/parts/e/b.parquet`)).toEqual([yes, no]);
    expect(await decisions('AggregateRole', readWrite, `${results}/answers/e/neighbours.csv`)).toEqual([yes, yes]);
    const version = 'arn:aws:lambda:eu-central-1:123456789012:function:lanceflow-ask-search-bucket:3';
    expect(await decisions('StateRole', ['lambda:InvokeFunction', 's3:GetObject'], version)).toEqual([yes, no]);
    expect(await decisions('StateRole', ['lambda:InvokeFunction'], `${version.slice(0, -2)}s:1`)).toEqual([no]);
    const execution = 'arn:aws:states:eu-central-1:123456789012:execution:lanceflow-ask';
    const follow = ['states:DescribeExecution', 'states:StopExecution'];
    expect(await decisions('StateRole', follow, `${execution}/SearchManyBuckets:e`)).toEqual([yes, yes]);
    expect(await decisions('StateRole', follow, `${execution}-other:e`)).toEqual([no, no]);
  });

  test('keys of KMS encrypt and decrypt for the buckets of this stack only', async () => {
    const { ResultsBucket: results } = stack.outputs;
    const S3 = 's3.eu-central-1.amazonaws.com';
    const [none, decrypt, both] = [[], ['kms:Decrypt'], ['kms:Decrypt', 'kms:GenerateDataKey']];
    const { DatabaseKmsKeyArn: database, ModelKmsKeyArn: model, ResultsKmsKeyArn: own } = KEYS;
    // With a bucket key, S3 names the bucket; without, the object.
    const catalog = 'lance/database/d/_catalog/bucket_00001.json';
    const cases = [
      ...['EmbedRole', 'PlanRole', 'SearchRole'].map((role) => [role, database, 'lance', S3, decrypt]),
      ['SearchRole', database, catalog, S3, decrypt],
      ['SearchRole', database, 'lance/other/x', S3, none],
      ['AggregateRole', database, 'lance', S3, none],
      ['EmbedRole', model, 'models', S3, decrypt],
      ['EmbedRole', model, 'models/m/weights', S3, decrypt],
      ['EmbedRole', model, 'models/n/weights', S3, none],
      ['SearchRole', model, 'models', S3, none],
      ...['EmbedRole', 'PlanRole', 'SearchRole', 'AggregateRole'].map((role) => [role, own, results, S3, both]),
      ['SearchRole', own, 'lance', S3, none],
      ['SearchRole', own, results, 'ec2.eu-central-1.amazonaws.com', none],
      ['StateRole', own, results, S3, none],
    ] as const;
    const asked = cases.map(([role, key, bucket, service]) => [role, key, `arn:aws:s3:::${bucket}`, service]);
    const allowed = await stack.python<string[][]>(SIMULATE_KEYS, JSON.stringify(both), JSON.stringify(asked));
    expect(allowed).toEqual(cases.map(([, , , , actions]) => actions));
  });

  test('people who ask reach executions, queries and answers of this stack only, and no plans', async () => {
    const decisions = (actions: string[], resource: string) =>
      stack.python<string[]>(SIMULATE_POLICY, stack.outputs.AskPolicy, JSON.stringify(actions), resource);
    const results = `arn:aws:s3:::${stack.outputs.ResultsBucket}`;
    const [yes, no] = ['allowed', 'implicitDeny'];
    const execution = 'arn:aws:states:eu-central-1:123456789012:execution:lanceflow-ask';
    const follow = ['states:DescribeExecution', 'states:GetExecutionHistory', 'states:StopExecution'];
    expect(await decisions(follow, `${execution}:ask-1`)).toEqual([yes, yes, yes]);
    expect(await decisions(follow, `${execution}-ask:ask-1`)).toEqual([no, no, no]);
    expect(await decisions(['s3:PutObject'], `${results}/queries/ask-1.parquet`)).toEqual([yes]);
    expect(await decisions(['s3:PutObject'], `${results}/queries/ask-1.json`)).toEqual([no]);
    expect(await decisions(['s3:GetObject', 's3:PutObject'], `${results}/answers/e/result.json`)).toEqual([yes, no]);
    expect(await decisions(['s3:GetObject', 's3:PutObject'], `${results}/parts/e/b.parquet`)).toEqual([no, no]);
  });
});

const ASK = `
import time, uuid
states = client('stepfunctions')
arn = states.start_execution(stateMachineArn=sys.argv[1], name=str(uuid.uuid4()), input=sys.argv[2])['executionArn']
while (execution := states.describe_execution(executionArn=arn))['status'] == 'RUNNING':
    time.sleep(0.05)
ended = {key: execution[key] for key in ['status', 'error', 'cause'] if key in execution}
if 'output' in execution:
    ended['output'] = json.loads(execution['output'])
print(json.dumps(ended))`;

const EVENTS = `
states = client('stepfunctions')
machine = states.list_state_machines()['stateMachines'][0]['stateMachineArn']
found = []
for execution in states.list_executions(stateMachineArn=machine)['executions']:
    found += [event['type'] for event in states.get_execution_history(executionArn=execution['executionArn'])['events']]
print(json.dumps(found))`;

const SIMULATE = `
iam = client('iam')
[arn] = [role['Arn'] for role in iam.list_roles()['Roles'] if role['RoleName'].startswith(f'lanceflow-ask-{sys.argv[1]}-')]
context = [dict(ContextKeyName='s3:prefix', ContextKeyValues=[sys.argv[4]], ContextKeyType='string')] if sys.argv[4] else []
answer = iam.simulate_principal_policy(PolicySourceArn=arn, ActionNames=json.loads(sys.argv[2]),
    ResourceArns=[sys.argv[3]], ContextEntries=context)
print(json.dumps([result['EvalDecision'] for result in answer['EvaluationResults']]))`;

const SIMULATE_KEYS = `
iam = client('iam')
found = []
for role, key, bucket, service in json.loads(sys.argv[2]):
    [arn] = [one['Arn'] for one in iam.list_roles()['Roles'] if one['RoleName'].startswith(f'lanceflow-ask-{role}-')]
    context = [dict(ContextKeyName=name, ContextKeyValues=[value], ContextKeyType='string')
        for name, value in [('kms:EncryptionContext:aws:s3:arn', bucket), ('kms:ViaService', service)]]
    answer = iam.simulate_principal_policy(PolicySourceArn=arn, ActionNames=json.loads(sys.argv[1]),
        ResourceArns=[key], ContextEntries=context)
    found.append([one['EvalActionName'] for one in answer['EvaluationResults'] if one['EvalDecision'] == 'allowed'])
print(json.dumps(found))`;

const SIMULATE_POLICY = `
iam = client('iam')
role = f'asker-{hash(sys.argv[1:].__str__())}'
iam.create_role(RoleName=role, AssumeRolePolicyDocument='{}')
iam.attach_role_policy(RoleName=role, PolicyArn=sys.argv[1])
answer = iam.simulate_principal_policy(PolicySourceArn=f'arn:aws:iam::123456789012:role/{role}',
    ActionNames=json.loads(sys.argv[2]), ResourceArns=[sys.argv[3]])
print(json.dumps([result['EvalDecision'] for result in answer['EvaluationResults']]))`;
