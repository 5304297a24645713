/**
 * Questions in place on S3 (versitygw on this machine): a handler of one bucket as in a Lambda, and the article's snippet on Python
 * LanceDB, each in a process of its own; then `ask` on all buckets. Latencies are of the processes alone; requests and bytes are counted
 * at a proxy, in other runs.
 *
 *   npm run bench -- ask [--buckets 5] [--rows 200000] [--dimension 960] [--vector-type float32] [--runs 10] [--folder DIR]
 */
import { existsSync } from 'node:fs';
import { readdir, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { parseArgs } from 'node:util';
import { startFaultProxy } from '../test/support/fault-proxy.ts';
import { startS3Server } from '../test/support/s3-server.ts';
import { openS3 } from '../workers/src/s3/client.ts';
import { uploadFiles } from '../workers/src/s3/transfer/upload.ts';
import { capture, LANCEFLOW, measure, PYTHON, ROOT, say, spread, withFolder } from './support/run.ts';
import { makeVectors } from './support/vectors.ts';

const URI = 's3://bench/database';
const BUCKET = 'bucket_00001';
const SETTINGS = { nprobes: 20, refineFactor: 10 };
const CASES = [
  { k: 10, queries: 1 },
  { k: 1000, queries: 1 },
  { k: 10_000, queries: 1 },
  { k: 50_000, queries: 1 },
  { k: 5, queries: 100 },
];

/** Runs after the first whose answers are compared with the ground truth. */
const RECALL_RUNS = 4;

const { values } = parseArgs({
  options: {
    buckets: { type: 'string', default: '5' },
    rows: { type: 'string', default: '200000' },
    dimension: { type: 'string', default: '960' },
    'vector-type': { type: 'string', default: 'float32' },
    runs: { type: 'string', default: '10' },
    folder: { type: 'string' },
  },
});

interface Report {
  importMs: number;
  startMs?: number;
  peakMemoryBytes?: number;
  results: {
    hits: number;
    found?: Record<string, string[]>;
    milliseconds: number[];
    costs?: { milliseconds: Record<string, number> }[];
  }[];
}

await withFolder(values.folder, async (folder) => {
  const database = await build(folder);
  const queries = await makeVectors(folder, 'queries', '1000', values.dimension, '99');
  const server = await startS3Server('versitygw', ['bench'], { parent: folder });
  const proxy = await startFaultProxy(server.endpoint);
  try {
    Object.assign(process.env, server.env);
    await upload(database);
    const handler = (cases: string, runs: number): [string, string[]] => [
      process.execPath,
      [join(ROOT, 'bench/ask/handler.ts'), URI, BUCKET, queries, cases, `${runs}`],
    ];
    const article = (cases: string, runs: number): [string, string[]] => [
      PYTHON,
      [join(ROOT, 'bench/ask/article.py'), URI, BUCKET, queries, cases, `${runs}`],
    ];
    const results = [];
    for (const one of CASES) {
      const cases = JSON.stringify([{ ...one, ...SETTINGS }]);
      const measured: Record<string, object> = {};
      const recalls = await recallsOf(one, { lanceflow: handler, article });
      for (const [name, command] of Object.entries({ lanceflow: handler, article })) {
        Object.assign(process.env, server.env);
        const { results: found, ...process_ } = await reportOf(command(cases, Number(values.runs)));
        const [{ hits, milliseconds, costs }] = found as [Report['results'][0]];
        const warm = milliseconds.slice(1);
        measured[name] = {
          ...process_,
          hits,
          recall: recalls[name],
          coldMs: milliseconds[0],
          warmMs: { ...spread(warm), p99: quantile(warm, 0.99) },
          ...(costs && { coldPhasesMs: costs[0]!.milliseconds, warmPhasesMs: costs.at(-1)!.milliseconds }),
          ...(await countReads(command, cases)),
        };
        say(`${name} ${cases}: ${JSON.stringify(measured[name])}`);
      }
      results.push({ ...one, ...measured });
    }
    Object.assign(process.env, server.env);
    const asked = [];
    for (const k of [10, 50_000]) {
      const argv = [
        'ask',
        '--id',
        'a000000007',
        '--database',
        URI,
        '--k',
        `${k}`,
        '--nprobes',
        '20',
        '--output',
        join(folder, 'near.csv'),
      ];
      const { seconds, cpuSeconds, peakMemoryBytes } = await measure(LANCEFLOW, [...argv, '--json']);
      asked.push({ k, seconds, cpuSeconds, peakMemoryBytes });
    }
    const { folder: _, ...settings } = values;
    process.stdout.write(
      `${JSON.stringify({ ...settings, ...SETTINGS, handlers: results, askOfAllBuckets: asked }, null, 2)}\n`,
    );

    /** Answers with both, in runs of their own. @returns the recall of each, against products in float64 */
    async function recallsOf(one: (typeof CASES)[number], commands: Record<string, typeof handler>) {
      Object.assign(process.env, server.env);
      const cases = JSON.stringify([{ ...one, ...SETTINGS, withIds: true }]);
      const files = [];
      for (const [name, command] of Object.entries(commands)) {
        const { results: found } = await reportOf(command(cases, RECALL_RUNS));
        files.push(join(folder, `${name}.json`));
        await writeFile(files.at(-1)!, JSON.stringify(found[0]!.found));
      }
      const shard = await makeVectors(folder, 'a', values.rows, values.dimension, '1');
      const compare = [join(ROOT, 'bench/ask/recall.py'), shard, queries, `${one.k}`, ...files];
      const recalls = JSON.parse(await capture(PYTHON, compare)) as number[];
      return Object.fromEntries(Object.keys(commands).map((name, i) => [name, recalls[i]!]));
    }

    /** Counts the requests of a process that opens the bucket, and of each further run. */
    async function countReads(command: typeof handler, cases: string) {
      Object.assign(process.env, proxy.env);
      const counted = async (runs: number) => {
        const [requests, bytes] = [proxy.seen.length, proxy.answeredBytes];
        await reportOf(command(cases, runs));
        return { requests: proxy.seen.length - requests, bytes: proxy.answeredBytes - bytes };
      };
      const cold = await counted(0);
      const more = await counted(2);
      const each = (all: number, first: number) => (all - first) / 2;
      return {
        coldReads: cold,
        warmReads: { requests: each(more.requests, cold.requests), bytes: each(more.bytes, cold.bytes) },
      };
    }
  } finally {
    await proxy.stop();
    await server.stop();
  }
});

async function reportOf([program, args]: [string, string[]]): Promise<Report> {
  return JSON.parse(await capture(program, args));
}

/** Builds the buckets in a folder, unless they are there. */
async function build(folder: string): Promise<string> {
  const database = join(folder, `database-${values['vector-type']}`);
  const plan = join(folder, 'plan.json');
  // Ids of a shard begin with its name.
  const names = Array.from({ length: Number(values.buckets) }, (_, i) => String.fromCharCode(97 + i));
  if (existsSync(join(database, `_catalog/bucket_${`${names.length}`.padStart(5, '0')}.json`))) return database;
  const shards = [];
  for (const [i, name] of names.entries())
    shards.push(await makeVectors(folder, name, values.rows, values.dimension, `${i + 1}`));
  const to = ['--database', database];
  await capture(LANCEFLOW, [
    'pack-buckets',
    '--input',
    ...shards,
    '--bucket-size',
    values.rows,
    ...to,
    '--output',
    plan,
  ]);
  for (const [i] of names.entries()) {
    const bucket = ['--bucket', `bucket_${`${i + 1}`.padStart(5, '0')}`, ...to];
    await capture(LANCEFLOW, ['ingest-bucket', '--plan', plan, ...bucket, '--vector-type', values['vector-type']]);
    await capture(LANCEFLOW, ['index-bucket', ...bucket, '--index', 'ivf-rq']);
  }
  return database;
}

async function upload(database: string): Promise<void> {
  const s3 = await openS3(URI);
  const entries = await readdir(database, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name));
  await uploadFiles(
    s3,
    paths.map((path) => ({ key: relative(database, path), path })),
  );
}

function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!;
}
