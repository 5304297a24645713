// @module-tag slow

import { spawn } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { closeWarmBuckets } from '../../../../workers/src/search/in-place/warm-buckets.ts';
import { callContext, HANDLERS, serveFunctions } from '../../../support/ask-handlers.ts';
import { type AskStack, startAskStack } from '../../../support/ask-stack.ts';
import { runHere } from '../../../support/command.ts';
import { buildDatabase } from '../../../support/database.ts';
import { startFaultProxy } from '../../../support/fault-proxy.ts';
import { finish, lanceflow, missingPython, ROOT, sharedFolder } from '../../../support/run.ts';
import { missingServer, useS3, withS3Server } from '../../../support/s3.ts';

// `ask --remote` with the state machine of the deployed template in moto's engine, and the functions' handlers in this process. In their
// image, they run in test/containers/ask-remote.ts.

const skip = missingServer('versitygw') || missingPython();
/** versitygw's own. */
const REGION = 'us-east-1';
const RESULTS = `lanceflow-ask-123456789012-${REGION}`;
const DATABASE = 's3://lance/db/proteins';
const FASTA = join(ROOT, 'test/pipeline/data/queries.fasta');

describe.skipIf(skip)('ask --remote', () => {
  const held = withS3Server('versitygw', [RESULTS]);
  let folder = '';
  let stack: AskStack;
  let served: Awaited<ReturnType<typeof serveFunctions>>;
  let env: NodeJS.ProcessEnv;
  const at = (name: string) => join(folder, name);

  beforeAll(async () => {
    useS3(held.server.env);
    folder = await sharedFolder();
    stack = await startAskStack({ DatabaseBucket: 'lance', DatabasePrefix: 'db/proteins' }, REGION);
    env = { ...stack.env, ...held.server.env, AWS_ENDPOINT_URL: stack.endpoint, AWS_REGION: REGION };
    env.AWS_ENDPOINT_URL_S3 = held.server.endpoint;
    for (const part of ['a', 'b']) {
      const fasta = join(ROOT, `test/pipeline/data/proteins_${part}.fasta`);
      await runHere(['embed-sequences', '--model', 'kmer', '--input', fasta, '--output', at(`${part}.h5`)]);
    }
    await buildDatabase(folder, [at('a.h5'), at('b.h5')], { database: DATABASE, bucketSize: 40 });
    await runHere(['embed-sequences', '--model', 'kmer', '--input', FASTA, '--output', at('queries.h5')]);
    served = await serveFunctions({
      embed: (event) => HANDLERS.embed(event, callContext()),
      plan: (event) => HANDLERS.plan(event, callContext()),
      'search-bucket': (event) => HANDLERS.searchBucket(event, callContext()),
      aggregate: (event) => HANDLERS.aggregate(event, callContext()),
    });
  });
  beforeEach(async () => {
    useS3({ ...held.server.env, ...stack.variables });
    vi.spyOn(process.stdout, 'write').mockReturnValue(true);
    await stack.answerAt(served.addresses);
  });
  afterEach(async () => {
    vi.restoreAllMocks();
    await closeWarmBuckets();
  });
  afterAll(async () => {
    served?.close();
    await stack?.stop();
  });

  const remote = (...argv: string[]) => lanceflow(['ask', '--remote', stack.outputs.Remote, ...argv], { env });

  test('answers as ask does here, byte for byte: sequences, a query set, the vector of an id', async () => {
    const { stdout: csv } = await lanceflow(['ask', '--input', FASTA, '--database', DATABASE, '--k', '4'], { env });
    expect(csv.split('\n').length).toBeGreaterThan(5);
    const bySequence = await remote('--input', FASTA, '--k', '4');
    expect(bySequence.stderr).toMatch(/has started\n(.*\n)*ask: \d+ neighbours of \d+ queries from 3 of 3 buckets/);
    expect(bySequence.stderr).toMatch(/\$0\.\d+ for Lambda, Step Functions and S3/);
    expect(bySequence.stdout).toBe(csv);
    expect((await remote('--input', at('queries.h5'), '--k', '4')).stdout).toBe(csv);
    const id = /^.*?,1,(.*?),/m.exec(csv.split('\n').slice(1).join('\n'))![1]!;
    const options = ['--id', id, '--k', '3', '--exclude-self'];
    const here = await lanceflow(['ask', '--database', DATABASE, ...options, '--output', at('here.parquet')], { env });
    expect(here.code, here.stderr).toBe(0);
    const there = await remote('--database', DATABASE, ...options, '--output', at('there.parquet'), '--json');
    expect(there.code, there.stderr).toBe(0);
    expect(JSON.parse(there.stdout)).toMatchObject({ rows: 3, k: 3, remote: true, failed: [] });
    expect(await readFile(at('there.parquet'))).toEqual(await readFile(at('here.parquet')));
  });

  test('refuses options without an effect, in one message', async () => {
    const refused = await remote(
      '--input',
      at('queries.h5'),
      '--timeout',
      '5',
      '--database',
      DATABASE,
      '--model',
      'kmer',
    );
    expect(refused).toMatchObject({ code: 64, stdout: '' });
    expect(refused.stderr).toMatch(
      /--timeout has no effect.*, and --database is only.*, and --model is only.*them out/,
    );
  });

  test('sends --concurrency, which the stack limits', async () => {
    const seen: unknown[] = [];
    const watched = await serveFunctions({
      plan: async (event) => {
        const plan = await HANDLERS.plan(event, callContext());
        seen.push(plan.concurrency);
        return plan;
      },
    });
    await stack.answerAt(watched.addresses);
    for (const concurrency of ['2', '999'])
      await remote('--input', at('queries.h5'), '--k', '1', '--concurrency', concurrency);
    await remote('--input', at('queries.h5'), '--k', '1');
    expect(seen).toEqual([2, 40, 40]);
    watched.close();
  });

  test('sends queries of more than 256 kB by S3', async () => {
    const copies = Array.from({ length: 200 }, (_, i) => `>q${i}\nMKVLAT${'ACDEFGHIKLMNPQRSTVWY'.slice(i % 20)}WWHK\n`);
    await writeFile(at('many.fasta'), copies.join(''));
    const options = ['--input', at('many.fasta'), '--model', 'kmer', '--k', '2'];
    const here = await lanceflow(['ask', '--database', DATABASE, ...options], { env });
    const there = await remote(...options);
    expect(there.stdout).toBe(here.stdout);
    expect(there.code, there.stderr).toBe(0);
  });

  test("ends with a function's error and exit code", async () => {
    const unknown = await remote('--input', FASTA, '--buckets', 'bucket_00009');
    expect(unknown).toMatchObject({ code: 65, stdout: '' });
    expect(unknown.stderr).toMatch(/lanceflow ask: .*no bucket bucket_00009/);
  });

  test('says which function was killed', async () => {
    const killed = await serveFunctions({
      aggregate: () => Promise.reject(Object.assign(new Error('signal: killed'), { name: 'Runtime.ExitError' })),
    });
    await stack.answerAt(killed.addresses);
    const { code, stderr } = await remote('--input', FASTA, '--k', '2');
    expect(code, stderr).toBe(75);
    expect(stderr).toMatch(/merging their answers: its function ended before it answered.*AggregateMemoryMb/);
    killed.close();
  });

  test('names a damaged bucket, and answers without it only where that is allowed', async () => {
    const broken = await serveFunctions({
      'search-bucket': async (event) => {
        const { bucket } = event as { bucket: { name: string } };
        if (bucket.name === 'bucket_00002') throw Object.assign(new Error('row 3 is bad'), { name: 'DataError' });
        return HANDLERS.searchBucket(event, callContext());
      },
    });
    await stack.answerAt(broken.addresses);
    const failed = await remote('--input', FASTA, '--k', '2');
    expect(failed).toMatchObject({ code: 65, stdout: '' });
    expect(failed.stderr).toContain('lanceflow ask: bucket_00002: row 3 is bad');
    const partial = await remote('--input', FASTA, '--k', '2', '--allow-partial');
    expect(partial.code).toBe(75);
    expect(partial.stdout).toMatch(/\n# partial answer without bucket_00002\n$/);
    broken.close();
  });

  test('Ctrl-C stops the execution', async () => {
    const slow = await serveFunctions({ 'search-bucket': () => new Promise(() => {}) });
    await stack.answerAt(slow.addresses);
    const proxy = await startFaultProxy(stack.endpoint);
    const child = spawn(join(ROOT, 'bin/lanceflow'), ['ask', '--remote', stack.outputs.Remote, '--input', FASTA], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...env, AWS_ENDPOINT_URL: proxy.endpoint },
    });
    child.stderr.on('data', (text) => /searching the buckets/.test(String(text)) && child.kill('SIGINT'));
    const { code, stderr } = await finish(child);
    expect(code, stderr).toBe(130);
    expect(stderr).toMatch(/stopping arn:aws:states:us-east-1:\d+:execution:lanceflow-ask:ask-/);
    // The engine does not stop a call that runs, so the request itself is checked.
    const targets = proxy.seen.map(({ headers }) => headers['x-amz-target']);
    expect(targets).toContain('AWSStepFunctions.StopExecution');
    slow.close();
    await proxy.stop();
  });
});
