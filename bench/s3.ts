/**
 * A table to S3 and back: LanceFlow, the AWS CLI with its best settings, the SDK's streams (PutObject, GetObject), the SDK's
 * lib-storage, and PUTs and ranged GETs by curl, each as a process of its own, one after another in each round; against versitygw on
 * this machine. Where the folder is on a disk, the disk's write rate limits all of them, and is measured too. More methods:
 * `lanceflow-N`, with N threads; `get-object-N`, which fetches in as many, but through the SDK's HTTP client as it is; and `other`,
 * LanceFlow of another checkout (--other). --files 6x450 transfers six files of 450 MB instead of a table.
 *
 *   npm run bench -- s3 --gb 4 --rounds 3 [--methods lanceflow,awscli,sdk,lib-storage,curl] [--cli-requests 10] [--folder DIR]
 *   npm run bench -- s3 --files 6x450 --rounds 3 --methods other,lanceflow-2 --other ../earlier
 */
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, open, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { PutBucketPolicyCommand, S3Client } from '@aws-sdk/client-s3';
import { s3Env, startS3Server, VERSITYGW } from '../test/support/s3-server.ts';
import { capture, LANCEFLOW, type Measured, measure, PYTHON, ROOT, say, spread, withFolder } from './support/run.ts';

const AWSCLI = 'awscli==1.46.3';
const BUCKET = 'bench';
const TABLE = 'bucket_00001.lance';
const DIMENSION = 960;
const RANGE_BYTES = 16 * 2 ** 20;
interface Place {
  /** Folder of the local table. */
  table: string;
  files: { path: string; bytes: number }[];
  endpoint: string;
  folder: string;
}

type Run = (place: Place, key: string, to: string) => Promise<Measured>;

const { values } = parseArgs({
  options: {
    gb: { type: 'string', default: '4' },
    rounds: { type: 'string', default: '3' },
    methods: { type: 'string', default: 'lanceflow,awscli,sdk,lib-storage,curl' },
    'cli-requests': { type: 'string', default: '10' },
    folder: { type: 'string' },
    files: { type: 'string' },
    other: { type: 'string' },
  },
});

/** Settings of the AWS CLI; try several numbers of concurrent requests to find its best. */
const CLI_CONFIG = `[default]
s3 =
  max_concurrent_requests = ${values['cli-requests']}
  multipart_threshold = 16MB
  multipart_chunksize = 16MB
  max_queue_size = 10000
`;

const aws = join(ROOT, '.tools/awscli/bin/aws');
const quiet = ['--recursive', '--only-show-errors'];

/** Numbers of threads that can be compared. */
const THREADS = [0, 1, 2, 4];

const UPLOADS: Record<string, Run> = {
  lanceflow: ({ table, folder }, key) => lanceflow('up', key, table, folder),
  other: ({ table, folder }, key) => lanceflow('up', key, table, folder, undefined, otherCheckout()),
  awscli: ({ table }, key) => measure(aws, ['s3', 'cp', ...quiet, table, `s3://${BUCKET}/${key}`]),
  sdk: ({ table }, key) => measure(process.execPath, [join(ROOT, 'bench/s3/sdk.ts'), 'up', BUCKET, key, table]),
  'lib-storage': ({ table }, key) =>
    measure(process.execPath, [join(ROOT, 'bench/s3/sdk.ts'), 'upload', BUCKET, key, table]),
  curl: (place, key) => curl(place, uploadConfig(place, key)),
  ...byThreads(
    'lanceflow',
    (threads) =>
      ({ table, folder }, key) =>
        lanceflow('up', key, table, folder, threads),
  ),
};

const DOWNLOADS: Record<string, Run> = {
  lanceflow: ({ folder }, key, to) => lanceflow('down', key, to, folder),
  other: ({ folder }, key, to) => lanceflow('down', key, to, folder, undefined, otherCheckout()),
  awscli: (_place, key, to) => measure(aws, ['s3', 'cp', ...quiet, `s3://${BUCKET}/${key}`, to]),
  sdk: (_place, key, to) => measure(process.execPath, [join(ROOT, 'bench/s3/sdk.ts'), 'down', BUCKET, key, to]),
  curl: (place, key, to) => curl(place, downloadConfig(place, key, to)),
  ...byThreads(
    'lanceflow',
    (threads) =>
      ({ folder }, key, to) =>
        lanceflow('down', key, to, folder, threads),
  ),
  ...byThreads(
    'get-object',
    (threads) =>
      ({ folder }, key, to) =>
        measure(process.execPath, [
          join(ROOT, 'bench/s3/get-object.ts'),
          `s3://${BUCKET}/${key}`,
          to,
          join(folder, 'catalog.json'),
          `${threads}`,
        ]),
  ),
};

function byThreads(name: string, runOf: (threads: number) => Run): Record<string, Run> {
  return Object.fromEntries(THREADS.map((threads) => [`${name}-${threads}`, runOf(threads)]));
}

function otherCheckout(): string {
  if (values.other === undefined) throw new Error('The method "other" needs --other, the folder of another checkout.');
  return resolve(values.other);
}

function lanceflow(
  direction: string,
  key: string,
  files: string,
  folder: string,
  threads?: number,
  checkout = ROOT,
): Promise<Measured> {
  const count = threads === undefined ? [] : [`${threads}`];
  const program = join(checkout, 'bench/s3/lanceflow.ts');
  return measure(process.execPath, [
    program,
    direction,
    `s3://${BUCKET}/${key}`,
    files,
    join(folder, 'catalog.json'),
    ...count,
  ]);
}

async function curl({ folder }: Place, requests: string): Promise<Measured> {
  const config = join(folder, 'curl.txt');
  await writeFile(config, requests);
  return measure('curl', ['--parallel', '--parallel-max', '16', '--no-progress-meter', '--config', config]);
}

await withFolder(values.folder, async (folder) => {
  if (!VERSITYGW) throw new Error('versitygw is missing: npm run setup:s3');
  await prepareCli(folder);
  // As bin/lanceflow sets it.
  process.env.NODE_COMPILE_CACHE ??= join(folder, 'compiled');
  const table = values.files ? await makeFiles(folder, values.files) : await makeTable(folder, Number(values.gb));
  const files = await filesOf(table);
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
  const server = await startS3Server('versitygw', [BUCKET], { parent: folder });
  Object.assign(process.env, s3Env(server.endpoint), { AWS_CONFIG_FILE: join(folder, 'aws.ini') });
  try {
    await allowAll();
    const place = { table, files, endpoint: server.endpoint, folder };
    const results: Record<string, Measured[]> = {};
    const writeRates: number[] = [];
    for (let round = 1; round <= Number(values.rounds); round++) {
      writeRates.push(await writeRate(folder, bytes));
      for (const method of values.methods.split(',')) {
        const stored = join(server.data!, BUCKET, method);
        const back = join(folder, `back-${method}`);
        await mkdir(back, { recursive: true });
        const steps: [string, Run | undefined, string][] = [
          ['upload', UPLOADS[method], stored],
          ['download', DOWNLOADS[method], back],
        ];
        for (const [step, use, to] of steps) {
          if (!use) {
            // Uploaded by LanceFlow, to be fetched otherwise.
            if (step === 'upload') await lanceflow('up', `${method}/${TABLE}`, table, folder);
            continue;
          }
          const result = await use(place, `${method}/${TABLE}`, back);
          results[`${step} ${method}`] = [...(results[`${step} ${method}`] ?? []), result];
          say(
            `round ${round} ${step} ${method}: ${(bytes / 1e6 / result.seconds).toFixed(0)} MB/s, ` +
              `${result.cpuSeconds.toFixed(1)} CPU s, ${(result.peakMemoryBytes / 1e6).toFixed(0)} MB`,
          );
          const got = (await filesOf(to)).reduce((sum, file) => sum + file.bytes, 0);
          if (got !== bytes) throw new Error(`${step} ${method} transferred ${got} of ${bytes} bytes`);
        }
        await rm(back, { recursive: true, force: true });
        await rm(stored, { recursive: true, force: true });
      }
    }
    process.stdout.write(`${JSON.stringify(summarize(results, bytes, files.length, writeRates), null, 2)}\n`);
  } finally {
    await server.stop();
  }
});

/** Writes a real table, as INGEST_BUCKET does. */
async function makeTable(folder: string, gigabytes: number): Promise<string> {
  const database = join(folder, `database-${gigabytes}`);
  const table = join(database, TABLE);
  if (existsSync(table)) return table;
  say('making a table');
  const [vectors, plan] = [join(folder, 'vectors.h5'), join(folder, 'plan.json')];
  const rows = Math.round((gigabytes * 1e9) / (4 * DIMENSION));
  const script = join(ROOT, 'bench/support/make_vectors.py');
  await capture(PYTHON, [script, vectors, `${rows}`, `${DIMENSION}`, '1', 'p']);
  await capture(LANCEFLOW, ['pack-buckets', '--input', vectors, '--database', database, '--output', plan, '--json']);
  await capture(LANCEFLOW, [
    'ingest-bucket',
    '--plan',
    plan,
    '--bucket',
    'bucket_00001',
    '--database',
    database,
    '--json',
  ]);
  await rm(vectors);
  return table;
}

/** Writes files of random bytes. @param files their number and size in MB, as in 6x450 */
async function makeFiles(folder: string, files: string): Promise<string> {
  const made = join(folder, `files-${files}`);
  if (existsSync(made)) return made;
  const [count = 0, megabytes = 0] = files.split('x').map(Number);
  await mkdir(made);
  for (let i = 0; i < count; i++) {
    await using file = await open(join(made, `${i}`), 'w');
    for (let megabyte = 0; megabyte < megabytes; megabyte++) await file.write(randomBytes(1e6));
  }
  return made;
}

async function prepareCli(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'aws.ini'), CLI_CONFIG);
  if (!values.methods.includes('awscli') || existsSync(aws)) return;
  say(`installing ${AWSCLI}`);
  const home = dirname(dirname(aws));
  await capture('python3', ['-m', 'venv', home]);
  await capture(join(home, 'bin/pip'), ['install', '--quiet', '--disable-pip-version-check', AWSCLI]);
}

async function filesOf(folder: string): Promise<{ path: string; bytes: number }[]> {
  const files: { path: string; bytes: number }[] = [];
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile()) files.push({ path: path.slice(folder.length + 1), bytes: (await stat(path)).size });
  }
  return files;
}

/** Sends one PUT a file, without signatures and checks. */
function uploadConfig({ files, endpoint, table }: Place, key: string): string {
  const requests = files.map(({ path }) => {
    const url = `url = "${endpoint}/${BUCKET}/${key}/${path}"`;
    return ['silent\nfail', url, `upload-file = "${join(table, path)}"`].join('\n');
  });
  return `${requests.join('\nnext\n')}\n`;
}

/** Sends one GET a range, each into its own file: the limit of a loop without signatures, checks and order. */
function downloadConfig({ files, endpoint }: Place, key: string, to: string): string {
  const requests: string[] = [];
  for (const { path, bytes } of files)
    for (let start = 0; start < bytes; start += RANGE_BYTES)
      requests.push(
        [
          'silent\nfail',
          `url = "${endpoint}/${BUCKET}/${key}/${path}"`,
          `output = "${join(to, `${requests.length}`)}"`,
          `range = "${start}-${Math.min(bytes, start + RANGE_BYTES) - 1}"`,
        ].join('\n'),
      );
  return `${requests.join('\nnext\n')}\n`;
}

/** Allows everybody to read and write, because curl does not sign. */
async function allowAll(): Promise<void> {
  const client = new S3Client({ forcePathStyle: true });
  const Resource = `arn:aws:s3:::${BUCKET}/*`;
  const Statement = [{ Effect: 'Allow', Principal: '*', Action: ['s3:GetObject', 's3:PutObject'], Resource }];
  const Policy = JSON.stringify({ Version: '2012-10-17', Statement });
  await client.send(new PutBucketPolicyCommand({ Bucket: BUCKET, Policy }));
  client.destroy();
}

/** Returns the write rate of the folder in bytes a second, flush included. */
async function writeRate(folder: string, bytes: number): Promise<number> {
  const path = join(folder, 'write-rate');
  const block = Buffer.alloc(2 ** 22, 'x');
  const startedMs = performance.now();
  const file = await open(path, 'w');
  for (let done = 0; done < bytes; done += block.length) await file.write(block);
  await file.datasync();
  await file.close();
  const seconds = (performance.now() - startedMs) / 1000;
  await rm(path);
  return bytes / seconds;
}

function summarize(results: Record<string, Measured[]>, bytes: number, files: number, writeRates: number[]) {
  const methods = Object.fromEntries(
    Object.entries(results).map(([name, runs]) => [
      name,
      {
        megabytesPerSecond: spread(runs.map((run) => bytes / 1e6 / run.seconds)),
        cpuSeconds: spread(runs.map((run) => run.cpuSeconds)),
        peakMemoryBytes: spread(runs.map((run) => run.peakMemoryBytes)),
      },
    ]),
  );
  const ratios: Record<string, unknown> = {};
  for (const name of Object.keys(results)) {
    const [step, method] = name.split(' ');
    const own = results[`${step} lanceflow`];
    // Round by round, so that a slower machine slows all methods.
    if (own && method !== 'lanceflow')
      ratios[`${step}: ${method} / lanceflow, seconds`] = spread(
        results[name]!.map((run, i) => run.seconds / own[i]!.seconds),
      );
  }
  return {
    bytes,
    files,
    cliRequests: Number(values['cli-requests']),
    diskMegabytesPerSecond: spread(writeRates.map((rate) => rate / 1e6)),
    methods,
    ratios,
  };
}
