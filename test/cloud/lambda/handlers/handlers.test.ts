import { randomUUID } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { DataError, TransientError } from '../../../../workers/src/base/errors.ts';
import {
  MOST_BUCKETS,
  MOST_EVENT_BYTES,
  MOST_MESSAGE,
  type PartSummary,
} from '../../../../workers/src/cloud/lambda/ask-event.ts';
import { failureMetric } from '../../../../workers/src/cloud/lambda/define-handler.ts';
import { eventVectors } from '../../../../workers/src/cloud/lambda/event-queries.ts';
import { reportedError, shortened } from '../../../../workers/src/cloud/lambda/handler-errors.ts';
import { AskAgainError } from '../../../../workers/src/cloud/lambda/question-errors.ts';
import { Database } from '../../../../workers/src/database/database.ts';
import { AWS_PRICES } from '../../../../workers/src/search/in-place/output/aws-prices.ts';
import { closeWarmBuckets, openWarmBucket } from '../../../../workers/src/search/in-place/warm-buckets.ts';
import { askByHandlers, callContext, HANDLERS, searchEvent } from '../../../support/ask-handlers.ts';
import { runHere } from '../../../support/command.ts';
import { buildDatabase } from '../../../support/database.ts';
import { sharedFolder } from '../../../support/run.ts';
import { missingServer, useS3, withS3Server } from '../../../support/s3.ts';
import { type Rows, randomRows, sliceRows, writeParts, writeShard } from '../../../support/shards.ts';

/** Metrics of a call that fails. */
const FAILURES = ['WrongQuestions', 'TransientFaults', 'Failures'];

const skip = missingServer('versitygw');
const DATABASE = 's3://lance/db';

/** The metadata of a log line with metrics. */
interface EmbeddedMetrics {
  Timestamp: number;
  CloudWatchMetrics: Array<{
    Namespace: string;
    Dimensions: string[][];
    Metrics: Array<{ Name: string; Unit: string }>;
  }>;
}

describe.skipIf(skip)('the functions of Lambda', () => {
  const held = withS3Server('versitygw');
  let folder = '';
  let rows: Rows;
  let queries: Rows;
  let queryShard = '';
  let lines: string[] = [];

  beforeAll(async () => {
    useS3(held.server.env);
    folder = await sharedFolder();
    rows = randomRows(5, 900, 12);
    const shards = await writeParts(folder, rows, [300, 300, 300]);
    await buildDatabase(folder, shards, { database: DATABASE, bucketSize: 300 });
    queries = sliceRows(rows, 0, 4);
    queryShard = await writeShard(join(folder, 'queries.h5'), queries);
  });
  beforeEach(() => {
    useS3(held.server.env);
    process.env.LANCEFLOW_RESULTS = 's3://lance';
    process.env.LANCEFLOW_DATABASE = DATABASE;
    process.env.LANCEFLOW_MODEL = 'kmer';
    lines = [];
    const keep = (text: string | Uint8Array) => lines.push(...String(text).split('\n').filter(Boolean)) > 0;
    for (const stream of [process.stdout, process.stderr]) vi.spyOn(stream, 'write').mockImplementation(keep);
  });
  afterEach(async () => {
    vi.restoreAllMocks();
    await closeWarmBuckets();
  });

  const stored = (uri: string) => readFile(join(held.server.data!, 'lance', uri.replace('s3://lance/', '')));
  const request = (settings: object = {}, more: object = {}) => ({
    vectors: eventVectors({ ...queries, attributes: {} }),
    settings: { k: 5, ...settings },
    ...more,
  });

  test('write the neighbours that ask writes, byte for byte', async () => {
    for (const [settings, options] of [
      [{ k: 5 }, ['--k', '5']],
      [{ k: 400, nprobes: 2, excludeSelf: true }, ['--k', '400', '--nprobes', '2', '--exclude-self']],
    ] as const) {
      const result = await askByHandlers(request(settings));
      for (const name of ['csv', 'parquet'] as const) {
        const output = join(folder, `local.${name}`);
        await runHere(['ask', '--input', queryShard, '--database', DATABASE, ...options, '--output', output]);
        expect((await stored(result[name])).equals(await readFile(output)), name).toBe(true);
      }
      expect(result).toMatchObject({ queries: 4, vectors: 900, failed: [], settings });
      expect(result.buckets).toHaveLength(3);
      expect(result.rows).toBe((await stored(result.csv)).toString().split('\n').length - 2);
      expect(result.read.requests).toBeGreaterThan(10);
      expect(result.dollars.total).toBeGreaterThan(0);
      expect(result.dollars.total).toBeLessThan(0.01);
      // plan, three searches, aggregate.
      expect(result.dollars.lambda).toBeGreaterThan(5 * AWS_PRICES.lambdaCall);
    }
  });

  test('refuse a largest E-value where hits have no p-values', async () => {
    await expect(askByHandlers(request({ refineFactor: 0, maxEvalue: 1 }))).rejects.toThrow('have no p-values');
  });

  test('answer a repeated call with the answer of the first one', async () => {
    const execution = randomUUID();
    const first = await askByHandlers(request(), execution);
    const files = await Promise.all([first.csv, first.parquet].map(stored));
    expect(await askByHandlers(request({ k: 2 }), execution)).toEqual(first);
    expect(await Promise.all([first.csv, first.parquet].map(stored))).toEqual(files);
  });

  test('keep a bucket open between searches, which no longer use it', async () => {
    await askByHandlers(request());
    const bucket = await openWarmBucket(await Database.open(DATABASE), 'bucket_00001');
    expect(bucket.opened.isWarm).toBe(true);
    bucket[Symbol.dispose]();
    await closeWarmBuckets();
    expect(bucket.table.isOpen()).toBe(false);
  });

  test('a search that runs twice at once stores one answer', async () => {
    const plan = await HANDLERS.plan({ execution: randomUUID(), request: request() }, callContext());
    const both = await Promise.all([1, 2].map(() => HANDLERS.searchBucket(searchEvent(plan), callContext())));
    expect(both[0]).toEqual(both[1]);
  });

  test('log the call with request, bucket and cold start, and emit metrics', async () => {
    await askByHandlers(request());
    const logs = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    const search = logs.find(({ step, bucket }) => step === 'search-bucket' && bucket !== undefined)!;
    expect(search).toMatchObject({
      bucket: 'bucket_00001',
      execution: expect.any(String),
      request: expect.any(String),
    });
    expect(search).toMatchObject({
      coldStart: false,
      requests: expect.any(Number),
      phases: { open: expect.any(Number) },
    });
    const metrics = logs.find(({ _aws, step }) => _aws !== undefined && step === 'search-bucket')!;
    expect(metrics).toMatchObject({ Requests: expect.any(Number), BytesRead: expect.any(Number) });
    expect(metrics).toMatchObject({ OpenMilliseconds: expect.any(Number), SearchMilliseconds: expect.any(Number) });
    // https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
    const documents = logs.filter(({ _aws }) => _aws !== undefined);
    expect(documents).toHaveLength(5);
    for (const document of documents) {
      const { Timestamp, CloudWatchMetrics } = document._aws as EmbeddedMetrics;
      expect(Math.abs(Timestamp - Date.now())).toBeLessThan(60_000);
      for (const { Namespace, Dimensions, Metrics } of CloudWatchMetrics) {
        expect(Namespace).toBe('LanceFlow');
        expect(Dimensions).toEqual([['service', 'step']]);
        for (const name of Dimensions.flat()) expect(document[name]).toEqual(expect.stringMatching(/./));
        expect(Metrics.length).toBeLessThanOrEqual(100);
        for (const { Name, Unit } of Metrics) {
          expect(['Count', 'Bytes', 'Milliseconds']).toContain(Unit);
          // A single value, or a list of them.
          for (const value of [document[Name]].flat()) expect(value, Name).toEqual(expect.any(Number));
        }
      }
    }
  });

  test('count wrong questions, faults that are retried, and other failures apart', async () => {
    const counted = async (call: () => Promise<unknown>) => {
      lines = [];
      const error = (await call().catch((thrown: unknown) => thrown)) as Error;
      const metrics = lines.map((line) => JSON.parse(line)).filter(({ _aws }) => _aws !== undefined);
      const named = metrics.flatMap((metric) => FAILURES.filter((name) => metric[name] !== undefined));
      return [error.name, ...named];
    };
    const plan = (wrong: object) =>
      counted(() => HANDLERS.plan({ execution: randomUUID(), request: wrong }, callContext()));
    const { vectors, settings } = request();
    for (const [name, wrong] of [
      ['WrongQuestionError', request({ k: 0 })],
      ['WrongQuestionError', { settings }],
      ['WrongQuestionError', { settings, vectors: { ...vectors, dimension: 13 } }],
      ['WrongQueriesError', { settings, vectors: { ...vectors, dimension: 6, ids: [...'abcdefgh'] } }],
      ['WrongQueriesError', { settings, vectors: { ...vectors, ids: ['q', 'q', 'r', 's'] } }],
      ['WrongQueriesError', request({}, { buckets: ['bucket_00009'] })],
      ['ExpiredQueriesError', { settings, stored: 'queries/gone.parquet' }],
    ] as const)
      expect(await plan(wrong), JSON.stringify(wrong).slice(0, 80)).toEqual([name, 'WrongQuestions']);
    process.env.LANCEFLOW_SEARCH_MEMORY_MB = '100';
    expect(await plan(request())).toEqual(['WrongQuestionError', 'WrongQuestions']);
    delete process.env.LANCEFLOW_SEARCH_MEMORY_MB;
    const embed = (sequences: string) =>
      counted(() => HANDLERS.embed({ execution: randomUUID(), request: { settings, sequences } }, callContext()));
    expect(await embed('>a\nMK1')).toEqual(['WrongQueriesError', 'WrongQuestions']);
    process.env.LANCEFLOW_MODEL = 'none';
    expect(await embed('MKV')).toEqual(['WrongQuestionError', 'WrongQuestions']);
    process.env.LANCEFLOW_MODEL = '/no/such/model';
    expect(await embed('MKV')).toEqual(['DataError', 'Failures']);
    process.env.LANCEFLOW_DATABASE = 's3://lance/none';
    expect(await plan(request())).toEqual(['DataError', 'Failures']);
    process.env.LANCEFLOW_DATABASE = 's3://elsewhere/db';
    expect((await plan(request()))[1]).toBe('Failures');
    delete process.env.LANCEFLOW_DATABASE;
    expect(await plan(request())).toEqual(['UsageError', 'Failures']);
    process.env.LANCEFLOW_DATABASE = DATABASE;
    expect(await counted(() => HANDLERS.searchBucket({}, callContext()))).toEqual(['UsageError', 'Failures']);
    // The state machine calls the function again after the first of these.
    expect(failureMetric(new TransientError('S3 answered 503'))).toBe('TransientFaults');
    expect(failureMetric(new AskAgainError('out of time'))).toBe('Failures');
  });

  test('log nothing of a wrong question', async () => {
    for (const wrong of [
      { sequences: ['MKTAYIAKQR'] },
      { vectors: { ids: ['q'], dimension: 12, values: ['SECRET'] } },
    ]) {
      const event = { execution: randomUUID(), request: { settings: { k: 1 }, ...wrong } };
      await expect(HANDLERS.plan(event, callContext())).rejects.toThrow(/"request\..*" is wrong; it must be a text/);
    }
    expect(lines.join()).not.toMatch(/MKTAYIAKQR|SECRET/);
  });

  test('refuse a largest E-value below 0', async () => {
    const event = { execution: randomUUID(), request: request({ maxEvalue: -0.1 }) };
    await expect(HANDLERS.plan(event, callContext())).rejects.toThrow(
      '"request.settings.maxEvalue" is -0.1; it must be a number from 0',
    );
  });

  test('the errors of all buckets fit into the input of the merge', async () => {
    const plan = await HANDLERS.plan({ execution: randomUUID(), request: request() }, callContext());
    const missing = { ...searchEvent(plan), bucket: { name: 'bucket_00099', fingerprint: 'x' } };
    const thrown = (await HANDLERS.searchBucket(missing, callContext()).catch((error) => error)) as Error;
    expect(thrown).toMatchObject({ name: 'DataError', stack: '' });
    const long = shortened(new Error('x'.repeat(5000))) as Error;
    expect(long.message).toHaveLength(MOST_MESSAGE);
    // As AWS's runtime client reports them.
    const Cause = JSON.stringify({ errorType: long.name, errorMessage: long.message, trace: long.stack!.split('\n') });
    const parts = Array.from({ length: MOST_BUCKETS }, (_, i) => ({
      bucket: `bucket_${`${i}`.padStart(5, '0')}`,
      failure: { Error: 'AskAgainError', Cause },
    }));
    const buckets = parts.map(({ bucket }) => ({ name: bucket, fingerprint: plan.buckets[0]!.fingerprint }));
    expect(Buffer.byteLength(JSON.stringify({ ...plan, buckets, parts }))).toBeLessThan(MOST_EVENT_BYTES);
  });

  test('a full disk is an error that names the bucket and the setting, and is not retried', async () => {
    const full = await writeFile('/dev/full', 'x').catch((error: unknown) => error);
    expect(reportedError(full, 'search-bucket', 'bucket_00002')).toMatchObject({
      name: 'AskAgainError',
      message: expect.stringMatching(/^bucket_00002: the disk of its function is full.*SearchDiskMb/),
    });
    const native = new DataError('damaged', { cause: new Error('IO error: No space left on device (os error 28)') });
    expect(reportedError(native, 'aggregate', 'aggregate')).toMatchObject({
      message: expect.stringContaining('AggregateDiskMb'),
    });
  });

  test('too little memory is an error that names the bucket and the setting, and is not retried', () => {
    const thrown = new DataError('damaged', { cause: new RangeError('Array buffer allocation failed') });
    expect(reportedError(thrown, 'search-bucket', 'bucket_00002')).toMatchObject({
      name: 'AskAgainError',
      message: expect.stringMatching(/^bucket_00002: its function lacks memory.*SearchMemoryMb/),
    });
  });

  test('a merge that runs twice at once has one answer', async () => {
    const plan = await HANDLERS.plan({ execution: randomUUID(), request: request() }, callContext());
    const parts: PartSummary[] = [];
    for (const index of plan.buckets.keys())
      parts.push(await HANDLERS.searchBucket(searchEvent(plan, index), callContext()));
    const both = await Promise.all([1, 2].map(() => HANDLERS.aggregate({ ...plan, parts }, callContext())));
    expect(both[0]).toEqual(both[1]);
    expect((await stored(both[0]!.csv)).toString().split('\n').length).toBe(both[0]!.rows + 2);
  });

  test('a bucket that failed is named, and left out only where the question allows it', async () => {
    const failure = {
      Error: 'DataError',
      Cause: JSON.stringify({ errorType: 'DataError', errorMessage: 'row 7 is bad' }),
    };
    const fail = (parts: object[]) => [...parts.slice(0, 2), { bucket: 'bucket_00003', failure }];
    await expect(askByHandlers(request(), randomUUID(), fail)).rejects.toMatchObject({
      name: 'DataError',
      message: 'bucket_00003: row 7 is bad',
    });
    const result = await askByHandlers(request({}, { allowPartial: true }), randomUUID(), fail);
    expect(result).toMatchObject({
      failed: [{ bucket: 'bucket_00003', error: 'bucket_00003: row 7 is bad' }],
    });
    expect((await stored(result.csv)).toString()).toMatch(/\n# partial answer without bucket_00003\n$/);
  });

  test('a killed function and a missing or foreign part are errors that name the bucket, without an answer', async () => {
    const cases: Array<[RegExp, (parts: PartSummary[]) => unknown[]]> = [
      [
        /^bucket_00001: its function ended.*Runtime.ExitError.*SearchMemoryMb/,
        (parts) => [
          { bucket: 'bucket_00001', failure: { Error: 'Runtime.ExitError', Cause: 'signal: killed' } },
          ...parts.slice(1),
        ],
      ],
      [
        /^bucket_00001: its function was ended at its time limit.*larger time limit/,
        (parts) => [
          {
            bucket: 'bucket_00001',
            failure: { Error: 'Sandbox.Timedout', Cause: 'Task timed out after 120.00 seconds' },
          },
          ...parts.slice(1),
        ],
      ],
      [/^bucket_00003: it was planned, but has not been searched/, (parts) => parts.slice(0, 2)],
      [/^bucket_00001: .*it has two/, (parts) => [parts[0], ...parts]],
      [/^bucket_00002 was built again/, ([a, b, c]) => [a, { ...b, fingerprint: 'other' }, c]],
    ];
    for (const [message, change] of cases) {
      const execution = randomUUID();
      await expect(askByHandlers(request(), execution, (parts) => change(parts as PartSummary[]))).rejects.toThrow(
        message,
      );
      await expect(stored(`s3://lance/answers/${execution}/neighbours.csv`)).rejects.toThrow('ENOENT');
    }
    const execution = randomUUID();
    const plan = await HANDLERS.plan({ execution, request: request({}, { buckets: ['bucket_00001'] }) }, callContext());
    const part = await HANDLERS.searchBucket(searchEvent(plan), callContext());
    const elsewhere = { ...plan, execution: randomUUID(), parts: [part] };
    await expect(HANDLERS.aggregate(elsewhere, callContext())).rejects.toThrow(
      /^bucket_00001: its answer .* is missing/,
    );
  });

  test('a bucket that was built again after the plan is an error', async () => {
    const plan = await HANDLERS.plan({ execution: randomUUID(), request: request() }, callContext());
    plan.buckets[0]!.fingerprint = 'earlier';
    await expect(HANDLERS.searchBucket(searchEvent(plan), callContext())).rejects.toMatchObject({
      name: 'AskAgainError',
      message: expect.stringMatching(/^bucket_00001 was built again/),
    });
  });

  test('end before their time limit, with an error that says what to do', async () => {
    const plan = await HANDLERS.plan({ execution: randomUUID(), request: request() }, callContext());
    await expect(HANDLERS.searchBucket(searchEvent(plan), callContext(1500))).rejects.toMatchObject({
      name: 'AskAgainError',
      message: expect.stringMatching(/^bucket_00001: no answer within 0 s\. .*memory/),
    });
  });

  test('refuse wrong questions once, in the plan', async () => {
    const { vectors, settings } = request();
    const { ids } = vectors;
    for (const [message, wrong] of [
      [/"request.settings.k" is 0/, request({ k: 0 })],
      [/"request.settings.k" is 1000000000/, request({ k: 1e9 })],
      [/either "sequences", "vectors" or "stored"/, { settings }],
      [/has 48 numbers, but 4 vectors of 13/, { settings, vectors: { ...vectors, dimension: 13 } }],
      [
        /13 components/,
        {
          settings,
          vectors: eventVectors({ ids, dimension: 13, vectors: new Float32Array(52).fill(1), attributes: {} }),
        },
      ],
      [
        /zero/,
        { settings, vectors: eventVectors({ ids, dimension: 12, vectors: new Float32Array(48), attributes: {} }) },
      ],
      [
        /NaN|not a number/i,
        {
          settings,
          vectors: eventVectors({ ids, dimension: 12, vectors: new Float32Array(48).fill(Number.NaN), attributes: {} }),
        },
      ],
      [/bucket_00009/, request({}, { buckets: ['bucket_00009'] })],
      [/"request.stored" is/, { settings, stored: '../secret' }],
      [/"request.stored" is/, { settings, stored: 'answers/other/neighbours.parquet' }],
      [/"request.settings.nprobe" is unknown/, request({ nprobe: 3 })],
      [/"request.bucket" is unknown/, request({}, { bucket: 'bucket_00001' })],
      [/queries\/gone.parquet: no such object/, { settings, stored: 'queries/gone.parquet' }],
    ] as const)
      await expect(
        HANDLERS.plan({ execution: randomUUID(), request: wrong }, callContext()),
        String(message),
      ).rejects.toThrow(message);
    await expect(HANDLERS.plan({ execution: '../x', request: request() }, callContext())).rejects.toThrow(
      /"execution"/,
    );
  });
});
