/**
 * Plans beside outcomes: five unlike runs of the pipeline on this machine, each planned before it starts (docs/planning.md).
 *
 *   npm run bench -- plan --save            all runs, about 4 minutes on 2 idle cores
 *   npm run bench -- plan --runs kmer,s3    some of them
 *   node bench/plan.ts --stages             measures the stages whose rates other benchmarks lack
 *   node bench/plan.ts --page               rewrites the table of docs/planning.md from bench/results/plan.json
 *   node bench/plan.ts --rates              writes the checked-in rates from bench/results/
 */
import { readFile, rm } from 'node:fs/promises';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { s3Env, startS3Server, VERSITYGW } from '../test/support/s3-server.ts';
import { parseRunPlan, type RunPlan } from '../workers/src/forecast/run-plan.ts';
import { parseOutcome } from '../workers/src/run/outcome.ts';
import { measureComputeRates } from '../workers/src/search/plan/calibrate.ts';
import { compareStages, pair, parseTrace, type RunComparison } from './plan/compare.ts';
import { writeRates } from './plan/derive-rates.ts';
import { measureStages } from './plan/measure-stages.ts';
import { writePage } from './plan/plan-page.ts';
import { type BenchRun, RUNS, type RunOptions } from './plan/runs.ts';
import { capture, LANCEFLOW, ROOT, say, withFolder } from './support/run.ts';

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: RUNS.map(({ name }) => name).join(',') },
    stages: { type: 'boolean', default: false },
    rates: { type: 'boolean', default: false },
    page: { type: 'boolean', default: false },
    folder: { type: 'string' },
  },
});

if (values.rates) await writeRates();
else if (values.page) await writePage();
else
  await withFolder(values.folder, async (folder) => {
    const result = values.stages
      ? await stagesResult(folder)
      : { runs: await compareRuns(folder, values.runs.split(',')) };
    process.stdout.write(`${JSON.stringify(result, null, 2)}\n`);
  });

async function stagesResult(folder: string) {
  const machine = `${cpus()[0]?.model}, ${cpus().length} cores, ${Math.round(totalmem() / 2 ** 30)} GiB`;
  const search = await measureComputeRates(960);
  return {
    machine,
    date: new Date().toISOString().slice(0, 10),
    cores: cpus().length,
    search,
    stages: await measureStages(folder),
  };
}

async function compareRuns(folder: string, names: readonly string[]): Promise<RunComparison[]> {
  const needsServer = names.includes('s3');
  if (needsServer && !VERSITYGW) throw new Error('versitygw is missing: npm run setup:s3');
  const server = needsServer ? await startS3Server('versitygw', ['bench'], { parent: folder }) : undefined;
  if (server) Object.assign(process.env, s3Env(server.endpoint));
  try {
    const compared: RunComparison[] = [];
    for (const run of RUNS.filter(({ name }) => names.includes(name))) compared.push(await compareRun(run, folder));
    return compared;
  } finally {
    await server?.stop();
  }
}

/** Plans a run, runs it, and compares both. */
async function compareRun({ name, describe, prepare }: BenchRun, folder: string): Promise<RunComparison> {
  const { options, before } = await prepare(folder, 's3://bench');
  const at = (file: string) => join(folder, `${name}-${file}`);
  if (!options.database!.startsWith('s3:')) await rm(options.database!, { recursive: true, force: true });
  for (const made of ['out', 'work', 'before', 'embeddings']) await rm(at(made), { recursive: true, force: true });
  if (before) await pipeline({ ...before, outdir: at('before'), embedding_cache: at('embeddings') }, at('work'));
  const plan = await planned(options, []);
  const startedMs = performance.now();
  await pipeline({ ...options, outdir: at('out'), embedding_cache: at('embeddings') }, at('work'));
  const seconds = (performance.now() - startedMs) / 1000;
  const outcomePath = join(at('out'), 'outcome.json');
  const outcome = parseOutcome(await readFile(outcomePath, 'utf8'), outcomePath);
  const trace = parseTrace(await readFile(join(at('out'), 'pipeline_info/execution_trace.txt'), 'utf8'));
  const stages = compareStages(plan, outcome, trace);
  const bytes = (of: 'planned' | 'took') => stages.reduce((sum, stage) => sum + stage.bytes[of], 0);
  const total = {
    command: 'all',
    seconds: pair(plan.total.hours.estimate * 3600, seconds),
    bytes: pair(bytes('planned'), bytes('took')),
  };
  for (const { command, seconds: time, bytes: size } of [...stages, total])
    say(
      `${name} ${command.padEnd(16)} ${time.planned.toFixed(1)} s planned, ${time.took.toFixed(1)} s (${time.ratio.toFixed(2)}); ` +
        `${size.planned} bytes planned, ${size.took} (${size.ratio.toFixed(2)})`,
    );
  const learned = await planned(options, ['--outcome', outcomePath]);
  return { name, describe, stages, total, learned: pair(learned.total.hours.estimate * 3600, seconds) };
}

/** Plans with the same options as the pipeline gets. */
async function planned(options: RunOptions, more: readonly string[]): Promise<RunPlan> {
  const args = Object.entries(options).flatMap(([name, value]) => [`--${name}`, value]);
  return parseRunPlan(await capture(LANCEFLOW, ['plan', ...args, ...more, '--json']), 'plan');
}

async function pipeline(options: RunOptions, work: string): Promise<void> {
  const args = Object.entries(options).flatMap(([name, value]) => [`--${name}`, value]);
  const program = join(ROOT, 'bin/nextflow');
  const output = await capture(program, [
    '-log',
    join(work, '../nextflow.log'),
    'run',
    join(ROOT, 'main.nf'),
    ...args,
    '-w',
    work,
  ]);
  if (!/Time: /.test(output)) say(output);
}
