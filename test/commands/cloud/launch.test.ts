import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Batch } from '@aws-sdk/client-batch';
import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { type Account, deployStack, REGION, startAccount } from '../../support/aws.ts';
import { startFaultProxy } from '../../support/fault-proxy.ts';
import { expectRefusalHere } from '../../support/refusal.ts';
import {
  type Finished,
  lanceflow,
  missingPython,
  ROOT,
  run,
  sharedFolder,
  temporaryFolder,
} from '../../support/run.ts';
import { waitUntil } from '../../support/wait.ts';

const skip = missingPython();

/** Program of the head's image in these tests: it prints its arguments, and exits when and how the test wants. */
const HEAD = `#!/bin/bash
trap 'echo "told to stop"; exit 143' TERM
echo "head: $*"
for file in launch-*.config; do [ -e "$file" ] && echo "settings: $(base64 -w0 < "$file")" && rm "$file"; done
echo "cache: $NXF_CLOUDCACHE_PATH, $NXF_IGNORE_RESUME_HISTORY, $AWS_REGION"
while [ ! -s "$LANCEFLOW_TEST_END" ]; do sleep 0.05; done
echo 'the last line'
exit "$(cat "$LANCEFLOW_TEST_END")"
`;

interface Job {
  id: string;
  status: string;
  tags: Record<string, string>;
  command: string[];
}

describe.skipIf(skip)('launch', () => {
  let account: Account;
  let folder = '';
  let params = {};
  const running: ChildProcess[] = [];

  beforeAll(async () => {
    folder = await sharedFolder();
    await writeFile(join(folder, 'nextflow'), HEAD);
    await chmod(join(folder, 'nextflow'), 0o755);
    process.env.LANCEFLOW_TEST_END = join(folder, 'end');
    account = await startAccount([folder]);
    const { Image, JobRole, Region } = await deployStack(account, 'lanceflow-test');
    const data = { database: 's3://lanceflow-test/database/d', outdir: 's3://lanceflow-test/results/d' };
    params = { ...data, input: 's3://lanceflow-test/input', k: 10, aws_container: Image, aws_job_role: JobRole };
    Object.assign(params, { aws_region: Region });
  });
  afterEach(async () => {
    for (const child of running.splice(0)) child.kill('SIGKILL');
    await rm(join(folder, 'end'), { force: true });
  });
  afterAll(() => account?.stop());

  const endWith = (code: number) => writeFile(join(folder, 'end'), `${code}`);

  async function argumentsOf(campaign: string, changed: object, options: readonly string[]) {
    const file = join(folder, `${campaign}-${Object.values(changed).join('').replace(/\W/g, '_')}.json`);
    await writeFile(file, JSON.stringify({ ...params, ...changed }));
    const passed = ['--campaign', campaign, '--params-file', file, '--work-dir', 's3://lanceflow-test/work/'];
    return ['launch', ...passed, '--poll', '0.1', ...options];
  }

  /** Launches and waits for the command's end. */
  async function launch(campaign: string, changed: object = {}, ...options: string[]): Promise<Finished> {
    return lanceflow(await argumentsOf(campaign, changed, options), { env: account.env });
  }

  /** Launches, and waits until the head's log is being followed. */
  async function startLaunch(campaign: string, changed: object = {}, variables: NodeJS.ProcessEnv = {}) {
    const env = { ...account.env, ...variables };
    const child = spawn(join(ROOT, 'bin/lanceflow'), await argumentsOf(campaign, changed, []), { env });
    running.push(child);
    let [stdout, stderr] = ['', ''];
    child.stderr.on('data', (text) => (stderr += text));
    const ended = once(child, 'close').then(([code]: unknown[]) => ({ code, stdout, stderr }));
    const followed = new Promise<void>((resolve) =>
      child.stdout.on('data', (text) => {
        stdout += text;
        if (stdout.includes('cache: ')) resolve();
      }),
    );
    await Promise.race([followed, ended.then((end) => Promise.reject(new Error(JSON.stringify(end))))]);
    return { child, ended, stderr: () => stderr };
  }

  /** Jobs with a name, the oldest first. moto describes all jobs if the request names none. */
  async function jobsNamed(name: string): Promise<Job[]> {
    const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
    const batch = new Batch({ endpoint: account.endpoint, region: REGION, credentials });
    const { jobs = [] } = await batch.describeJobs({ jobs: [] });
    batch.destroy();
    return jobs
      .filter(({ jobName }) => jobName === name)
      .sort((a, b) => a.createdAt! - b.createdAt!)
      .map(({ jobId, status, tags = {}, container }) => ({
        id: jobId!,
        status: status!,
        tags,
        command: container!.command!,
      }));
  }

  /** Tasks of campaigns that wait for a machine: [queue, campaign]. */
  const submitWaiting = (...tasks: Array<[string, string]>) =>
    account.python(
      `
batch = client('batch')
image = dict(image='x', command=['true'], resourceRequirements=[dict(type='VCPU', value='1'), dict(type='MEMORY', value='1024')])
batch.register_job_definition(jobDefinitionName='nf-task', type='container', containerProperties=image)
for queue, campaign in json.loads(sys.argv[1]):
    batch.submit_job(jobName='waits-' + campaign, jobQueue='lanceflow-' + queue, jobDefinition='nf-task', tags={'lanceflow-campaign': campaign})`,
      JSON.stringify(tasks),
    );

  test('a head is submitted, followed to its end, and not run twice', async () => {
    const first = await startLaunch('soil');
    const second = await startLaunch('soil');
    const other = await launch('soil', { k: 20 });
    expect(other).toMatchObject({ code: 64, stdout: '' });
    expect(other.stderr).toMatch(
      /^lanceflow launch: soil is running with different arguments \(--k=10 -> --k=20\)\. .*\n$/,
    );
    await endWith(0);
    for (const { ended } of [first, second]) {
      const { code, stdout, stderr } = await ended;
      expect(code, stderr).toBe(0);
      expect(stdout).toMatch(
        /^head: run \/opt\/lanceflow\/main.nf -profile awsbatch -ansi-log false -work-dir s3:\/\/lanceflow-test\/work -resume [0-9a-f-]{36} -name soil --aws_container=.* --aws_job_role=.* --aws_region=eu-central-1 --campaign=soil --database=s3:.* --input=.* --k=10 --outdir=.*\n/,
      );
      expect(stdout).toContain('\ncache: s3://lanceflow-test/work/cache, true, eu-central-1\nthe last line\n');
      expect(stderr).toMatch(/soil: RUNNING\n.*soil: SUCCEEDED\nlaunch: soil SUCCEEDED\n$/s);
    }
    const jobs = await jobsNamed('lanceflow-soil');
    expect(jobs).toMatchObject([{ status: 'SUCCEEDED', tags: { 'lanceflow-campaign': 'soil' } }]);

    // The campaign has ended, and does not run again unless requested.
    const same = await launch('soil', {}, '--json');
    expect(JSON.parse(same.stdout)).toMatchObject({ status: 'SUCCEEDED', jobId: jobs[0]!.id });
    const changed = await launch('soil', { k: 20 });
    expect(changed.code).toBe(64);
    expect(changed.stderr).toMatch(/has ended, with different arguments \(--k=10 -> --k=20\)/);
    expect(await jobsNamed('lanceflow-soil')).toHaveLength(1);
    expect((await launch('soil', { k: 20 }, '--again')).code).toBe(0);
    expect(await jobsNamed('lanceflow-soil')).toHaveLength(2);
  });

  test('a failed head is started again in the same session, also with other parameters', async () => {
    await endWith(1);
    const failed = await launch('lake');
    expect(failed.code).toBe(65);
    expect(failed.stderr).toMatch(/lake FAILED.*the same command continues where it ended/s);
    await endWith(0);
    expect((await launch('lake', { k: 5 })).code).toBe(0);
    const sessions = (await jobsNamed('lanceflow-lake')).map(({ command }) => command[command.indexOf('-resume') + 1]);
    expect(sessions).toHaveLength(2);
    expect(sessions[1]).toBe(sessions[0]);
  });

  test('nothing starts if the deployed roles cannot access a place', async () => {
    const { code, stderr } = await launch('pond', { database: 's3://lanceflow-test/db' });
    expect(code).toBe(65);
    expect(stderr).toMatch(
      /role of the tasks: lanceflow-task lacks rights: s3:GetObject on s3:\/\/lanceflow-test\/db\/lanceflow, .*InputBucket/,
    );
    expect(await jobsNamed('lanceflow-pond')).toEqual([]);
  });

  test('a restarted head ends the tasks of its previous attempt, and no others', async () => {
    await submitWaiting(['storage', 'river'], ['light', 'river'], ['light', 'delta']);
    const statuses = async (name: string) => (await jobsNamed(name)).map(({ status }) => status);
    const environment = {
      AWS_BATCH_JOB_ATTEMPT: '1',
      LANCEFLOW_CAMPAIGN: 'river',
      LANCEFLOW_QUEUES: 'lanceflow-light lanceflow-storage',
    };
    const start = (attempt: string, changed: NodeJS.ProcessEnv = {}) =>
      run(join(ROOT, 'containers/head/start'), ['echo', 'a  b', '$c'], {
        env: {
          ...account.env,
          PATH: `${join(ROOT, 'bin')}:${account.env.PATH}`,
          ...environment,
          AWS_BATCH_JOB_ATTEMPT: attempt,
          ...changed,
        },
      });
    expect(await start('1')).toMatchObject({ code: 0, stdout: 'a  b $c\n', stderr: '' });
    expect(await statuses('waits-river')).toEqual(['RUNNABLE', 'RUNNABLE']);
    expect(await start('2')).toMatchObject({
      code: 0,
      stdout: 'a  b $c\n',
      stderr: expect.stringContaining('ending 2 tasks'),
    });
    expect(await statuses('waits-river')).toEqual(['FAILED', 'FAILED']);
    expect(await statuses('waits-delta')).toEqual(['RUNNABLE']);
    // If they cannot be ended, Batch tries again.
    expect(await start('2', { AWS_ENDPOINT_URL: 'http://127.0.0.1:9' })).toMatchObject({ code: 75, stdout: '' });

    // Batch has given up a head; the next is launched.
    await endWith(1);
    await launch('river');
    await submitWaiting(['storage', 'river']);
    await endWith(0);
    const { code, stderr } = await launch('river');
    expect(code).toBe(0);
    expect(stderr).toContain('river: ending 1 task of its previous head');
    expect(await statuses('waits-delta')).toEqual(['RUNNABLE']);
  });

  test('Nextflow settings are part of the arguments', async () => {
    const config = join(folder, 'own.config');
    const text = `process.resourceLimits = [cpus: 4] // "quoted" 'twice' $HOME \\ ö\nprocess.maxRetries = 1`;
    await writeFile(config, text);
    await endWith(0);
    const { code, stdout, stderr } = await launch('hill', {}, '--config', config);
    expect(code, stderr).toBe(0);
    expect(stdout).toMatch(/^head: run .* -c launch-[0-9a-f]{12}\.config\n/);
    const written = /settings: (.*)\n/.exec(stdout)![1]!;
    expect(Buffer.from(written, 'base64').toString()).toBe(`${text}\n`);
    expect((await launch('hill', {}, '--config', config)).code).toBe(0);
    expect(await jobsNamed('lanceflow-hill')).toHaveLength(1);
    await writeFile(config, 'process.maxRetries = 2');
    const other = await launch('hill', {}, '--config', config);
    expect(other.code).toBe(64);
    expect(other.stderr).toMatch(/has ended, with different arguments \(.*launch-[0-9a-f]{12}\.config -> .*\.config\)/);
  });

  test('Ctrl-C stops following; --cancel ends the head and the tasks of this campaign', async () => {
    await submitWaiting(['light', 'sea'], ['storage', 'sea'], ['storage', 'other']);
    const { child, ended } = await startLaunch('sea');
    child.kill('SIGINT');
    const stopped = await ended;
    expect(stopped).toMatchObject({ code: 130 });
    expect(stopped.stderr).toContain('the job continues');
    expect(stopped.stderr).not.toContain('Stopped by');
    expect(await jobsNamed('lanceflow-sea')).toMatchObject([{ status: 'RUNNING' }]);

    const { child: follower, ended: result } = await startLaunch('sea');
    const cancelled = await lanceflow(['launch', '--campaign', 'sea', '--cancel', '--poll', '0.1', '--json'], {
      env: account.env,
    });
    expect(cancelled.code, cancelled.stderr).toBe(0);
    expect(JSON.parse(cancelled.stdout)).toMatchObject({ status: 'CANCELLED', tasks: 2 });
    expect(await result).toMatchObject({ code: 65, stdout: expect.stringContaining('told to stop') });
    expect((await result).stderr).toContain('FAILED (campaign sea was cancelled)');
    expect(follower.exitCode).toBe(65);
    const statuses = async (name: string) => (await jobsNamed(name)).map(({ status }) => status);
    await waitUntil('the tasks end', async () => (await statuses('waits-sea')).every((status) => status === 'FAILED'));
    expect(await statuses('waits-sea')).toEqual(['FAILED', 'FAILED']);
    expect(await statuses('waits-other')).toEqual(['RUNNABLE']);

    const unknown = await lanceflow(['launch', '--campaign', 'nothing', '--cancel'], { env: account.env });
    expect(unknown).toMatchObject({ code: 65, stderr: expect.stringContaining('Campaign nothing does not exist') });
  });

  test('the follower waits for a lost connection, and no line of the log is lost or repeated', async () => {
    const proxy = await startFaultProxy(account.endpoint);
    onTestFinished(() => proxy.stop());
    const { ended, stderr } = await startLaunch('bay', {}, { AWS_ENDPOINT_URL: proxy.endpoint });
    proxy.rule = () => ({ cutAfter: 0 });
    await waitUntil('the fault is reported', () => stderr().includes('AWS cannot be reached'), { state: stderr });
    proxy.rule = () => undefined;
    await endWith(0);
    const { code, stdout } = await ended;
    expect(code).toBe(0);
    expect(stdout).toMatch(/^head: .*\ncache: .*\nthe last line\n$/);
  });

  test('two launches at the same moment start one head', async () => {
    await Promise.all([1, 2, 3].map(() => launch('reef', {}, '--no-follow')));
    const statuses = async () => (await jobsNamed('lanceflow-reef')).map(({ status }) => status);
    // The others are told to stop.
    await waitUntil(
      'the others end',
      async () => (await statuses()).filter((status) => status !== 'FAILED').length <= 1,
    );
    await waitUntil('it runs', async () => (await statuses()).includes('RUNNING'));
    expect((await statuses()).filter((status) => status === 'RUNNING')).toHaveLength(1);
    await endWith(0);
  });

  test('a missing queue, an unreachable service and missing credentials are reported in one line', async () => {
    const without = { ...account.env, AWS_ACCESS_KEY_ID: undefined, AWS_SECRET_ACCESS_KEY: undefined };
    for (const [env, ended, message, ...options] of [
      [account.env, 65, /AWS Batch in eu-central-1, ListJobs: .*nothing/, '--queue', 'nothing'],
      [{ ...account.env, AWS_ENDPOINT_URL: 'http://127.0.0.1:9' }, 75, /cannot be reached \(ECONNREFUSED\)/],
      [without, 64, /No AWS credentials/],
    ] as const) {
      const { code, stderr } = await lanceflow(await argumentsOf('none', {}, options), { env });
      expect({ code, lines: stderr.trimEnd().split('\n') }).toEqual({
        code: ended,
        lines: [expect.stringMatching(message)],
      });
    }
  });
});

test.each([
  ['an invalid name', ['--campaign', 'a b'], /a name has up to 100 letters/],
  ['no work folder', ['--params-file', 'good.json'], /--work-dir is missing/],
  [
    'a work folder that is not on S3',
    ['--params-file', 'good.json', '--work-dir', '/work'],
    /does not begin with "s3:/,
  ],
  [
    'no parameters',
    ['--work-dir', 's3://bucket/work'],
    /input or queries, database, outdir, aws_container, aws_job_role, which a campaign/,
  ],
  ['a local database', ['--params-file', 'local.json'], /database is "db"; on AWS it needs an s3:\/\/ address/],
  ['a misspelt parameter', ['--params-file', 'misspelt.json'], /dtabase is not a parameter/],
  ['a wrong value', ['--params-file', 'value.json'], /k is "10"; it needs a whole number/],
  [
    'an invalid region',
    ['--params-file', 'region.json', '--work-dir', 's3://bucket/work'],
    /not the name of an AWS region/,
  ],
  ['YAML', ['--params-file', 'yaml.json'], /is not JSON/],
  [
    'too much',
    ['--params-file', 'good.json', 'long.json', '--work-dir', 's3://bucket/work'],
    /characters that AWS Batch accepts/,
  ],
])('%s is refused before any request', async (_, options, message) => {
  const folder = await temporaryFolder();
  const good = {
    input: 's3://b/i',
    database: 's3://b/d',
    outdir: 's3://b/r',
    aws_container: 'x',
    aws_job_role: 'arn:aws:iam::123456789012:role/x',
    aws_region: 'eu-west-1',
  };
  const files = {
    ...{ good, local: { database: 'db' }, misspelt: { dtabase: 's3://b/d' }, value: { k: '10' } },
    ...{ region: { ...good, aws_region: 'Ireland' }, long: { input: `s3://b/${'i'.repeat(7000)}` } },
  };
  for (const [name, content] of Object.entries(files))
    await writeFile(join(folder, `${name}.json`), JSON.stringify(content));
  await writeFile(join(folder, 'yaml.json'), 'k: 10');
  const campaign = options.includes('--campaign') ? [] : ['--campaign', 'wrong'];
  const passed = options.map((option) => (option.endsWith('.json') ? join(folder, option) : option));
  await expectRefusalHere(['launch', ...campaign, ...passed], 64, message);
});
