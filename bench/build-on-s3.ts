/**
 * Building one bucket on S3, against the longer of its two parts: the same build in a folder, and sending the finished table. Each
 * command is a process of its own, alternating; against versitygw on this machine. It takes more CPU time for a table than the client,
 * from the cores that the build needs too: `--apart` leaves it the second half of the cores, and the commands the first (Linux).
 *
 *   npm run bench -- build-on-s3 --rows 300000 --rounds 3 [--apart] [--shard FILE] [--folder DIR]
 */
import { existsSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { availableParallelism, cpus } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { s3Env, startS3Server, VERSITYGW } from '../test/support/s3-server.ts';
import { capture, LANCEFLOW, type Measured, measure, PYTHON, ROOT, say, spread, withFolder } from './support/run.ts';

const BUCKET = 'bucket_00001';
const DIMENSION = '960';
const CORES = availableParallelism();
const FIRST_HALF = `0-${(CORES >> 1) - 1}`;
const SECOND_HALF = `${CORES >> 1}-${CORES - 1}`;

const { values } = parseArgs({
  options: {
    rows: { type: 'string', default: '300000' },
    rounds: { type: 'string', default: '3' },
    apart: { type: 'boolean', default: false },
    shard: { type: 'string' },
    folder: { type: 'string' },
  },
});

/** What a step cost, its processes and the whole machine. */
interface Step {
  seconds: number;
  cpuSeconds: number;
  peakMemoryBytes: number;
  /** CPU time of all programs, the server's included, as a share of all cores. */
  busyShare: number;
}

await withFolder(values.folder, async (folder) => {
  if (!VERSITYGW) throw new Error('versitygw is missing: npm run setup:s3');
  await mkdir(folder, { recursive: true });
  // Servers inherit the cores of this process.
  if (values.apart) await capture('taskset', ['--all-tasks', '--pid', '--cpu-list', SECOND_HALF, `${process.pid}`]);
  const shard = values.shard ?? (await makeShard(folder));
  const rounds: Record<string, Step>[] = [];
  for (let round = 1; round <= Number(values.rounds); round++) {
    const steps = await runRound(folder, shard);
    rounds.push(steps);
    for (const [name, step] of Object.entries(steps))
      say(
        `round ${round} ${name}: ${step.seconds.toFixed(1)} s, ${step.cpuSeconds.toFixed(1)} CPU s, ` +
          `${(step.peakMemoryBytes / 1e6).toFixed(0)} MB, cores ${(100 * step.busyShare).toFixed(0)}% busy`,
      );
    const toCpu = values.apart ? '' : `; ${ratioToCpu(steps).toFixed(2)} times their CPU time on all cores`;
    say(`round ${round}: ${ratioOf(steps).toFixed(2)} times the longer of folder and transfer${toCpu}`);
  }
  process.stdout.write(`${JSON.stringify(summarize(rounds), null, 2)}\n`);
});

async function makeShard(folder: string): Promise<string> {
  const path = join(folder, `vectors-${values.rows}.h5`);
  if (existsSync(path)) return path;
  say('making vectors');
  await capture(PYTHON, [join(ROOT, 'bench/support/make_vectors.py'), path, values.rows, DIMENSION, '1', 'p']);
  return path;
}

/** Builds in a folder, sends that table to an empty server, and builds on another. */
async function runRound(folder: string, shard: string): Promise<Record<string, Step>> {
  const database = join(folder, 'database');
  const work = join(folder, 'work');
  await mkdir(work, { recursive: true });
  try {
    const inFolder = await build(shard, database, folder, []);
    const transfer = await withServer(folder, () =>
      total([
        [
          process.execPath,
          join(ROOT, 'bench/s3/lanceflow.ts'),
          'up',
          `s3://bench/${BUCKET}.lance`,
          join(database, `${BUCKET}.lance`),
          join(folder, 'catalog.json'),
        ],
      ]),
    );
    await rm(database, { recursive: true });
    const onS3 = await withServer(folder, () => build(shard, 's3://bench/database', folder, ['--work', work]));
    return { folder: inFolder, transfer, s3: onS3 };
  } finally {
    for (const path of [database, work]) await rm(path, { recursive: true, force: true });
  }
}

async function withServer<T>(folder: string, use: () => Promise<T>): Promise<T> {
  const server = await startS3Server('versitygw', ['bench'], { parent: folder });
  Object.assign(process.env, s3Env(server.endpoint));
  try {
    return await use();
  } finally {
    await server.stop();
  }
}

async function build(shard: string, database: string, folder: string, options: readonly string[]): Promise<Step> {
  const plan = join(folder, 'plan.json');
  await capture(LANCEFLOW, ['pack-buckets', '--input', shard, '--database', database, '--output', plan, '--json']);
  const bucket = ['--bucket', BUCKET, '--database', database, ...options, '--json'];
  return total([
    [LANCEFLOW, 'ingest-bucket', '--plan', plan, ...bucket],
    [LANCEFLOW, 'index-bucket', ...bucket],
  ]);
}

async function total(commands: readonly string[][]): Promise<Step> {
  const before = cpuTimes();
  const runs: Measured[] = [];
  const onCores = values.apart ? ['taskset', '--cpu-list', FIRST_HALF] : [];
  for (const command of commands) {
    const [program, ...args] = [...onCores, ...command] as [string, ...string[]];
    runs.push(await measure(program, args));
  }
  const after = cpuTimes();
  return {
    seconds: runs.reduce((sum, { seconds }) => sum + seconds, 0),
    cpuSeconds: runs.reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0),
    peakMemoryBytes: Math.max(...runs.map(({ peakMemoryBytes }) => peakMemoryBytes)),
    busyShare: (after.busy - before.busy) / (after.all - before.all),
  };
}

function cpuTimes(): { busy: number; all: number } {
  let [busy, all] = [0, 0];
  for (const { times } of cpus()) {
    busy += times.user + times.nice + times.sys + times.irq;
    all += times.user + times.nice + times.sys + times.irq + times.idle;
  }
  return { busy, all };
}

function ratioOf({ folder, transfer, s3 }: Record<string, Step>): number {
  return s3!.seconds / Math.max(folder!.seconds, transfer!.seconds);
}

/** Compares with the time in which all cores would do the CPU work of both: less is not possible on this machine. */
function ratioToCpu({ folder, transfer, s3 }: Record<string, Step>): number {
  return s3!.seconds / (folder!.seconds * folder!.busyShare + transfer!.seconds * transfer!.busyShare);
}

function summarize(rounds: readonly Record<string, Step>[]) {
  const steps = Object.keys(rounds[0]!).map((name) => {
    const runs = rounds.map((round) => round[name]!);
    const fields = ['seconds', 'cpuSeconds', 'peakMemoryBytes', 'busyShare'] as const;
    return [name, Object.fromEntries(fields.map((field) => [field, spread(runs.map((run) => run[field]))]))];
  });
  return {
    rows: Number(values.rows),
    serverApart: values.apart,
    steps: Object.fromEntries(steps),
    // Round by round, so that a slower machine slows all steps.
    s3ToLongerOfFolderAndTransfer: spread(rounds.map(ratioOf)),
    ...(values.apart ? {} : { s3ToCpuTimeOfBothOnAllCores: spread(rounds.map(ratioToCpu)) }),
  };
}
