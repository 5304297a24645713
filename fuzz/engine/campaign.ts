import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { PythonReader } from '../oracle/python.ts';
import { type HeadFormat, keepHead, runHead } from '../pipeline/head.ts';
import { forgetWorld } from '../seeds/world.ts';
import type { Format, Tools } from './case.ts';
import { freshRunner } from './fresh.ts';
import { diceOf, type PreparedCase, type Runner, runOnce } from './one-run.ts';
import { Executor, type Limits } from './pool.ts';
import { schedule, type Turn } from './schedule.ts';
import { ValidAnswers } from './valid-answers.ts';
import { isBad, Tally, type Verdict } from './verdict.ts';

const LIMITS: Limits = { timeMs: 30_000, memoryBytes: 512e6 };
/** Limits of the repetition in a new process: a busy machine is not a fault. */
const PATIENT: Limits = { ...LIMITS, timeMs: 120_000 };

export interface CampaignOptions {
  formats: readonly Format[];
  /** Formats that the pipeline's head reads. */
  head: readonly HeadFormat[];
  runs: number;
  seed: number;
  /** No run starts after this time. */
  seconds: number;
  /** Folder for inputs that failed. */
  keep: string;
  /** Only this run of each format. */
  only?: number | undefined;
}

export interface Watcher {
  log(text: string): void;
  /** The valid inputs are written, and `runs` runs follow. */
  begin(runs: number): void;
  /** One run has ended. */
  done(): void;
}

/** One run of a campaign, for inspection. */
export interface Finding extends Turn {
  /** Name of the case. */
  name: string;
  verdict: Verdict;
  /** Folder of its files. */
  folder: string;
}

/** Runs the commands on changed inputs. @returns the counts of outcomes, and the findings */
export async function runCampaign(
  options: CampaignOptions,
  watcher: Watcher,
): Promise<{ tally: Tally; findings: Finding[] }> {
  const { formats, head, seed, seconds, keep, only } = options;
  const scratch = await mkdtemp(join(tmpdir(), 'lanceflow-fuzz-'));
  const executors = Array.from({ length: availableParallelism() }, () => new Executor(LIMITS));
  const python = PythonReader.find();
  const tally = new Tally();
  const findings: Finding[] = [];
  const note = (found: Finding) => {
    const { format, run, name, verdict } = found;
    tally.add(format, verdict);
    watcher.done();
    if (!isBad(verdict)) return;
    findings.push(found);
    watcher.log(`${format} ${run} (${name}): ${verdict.outcome}: ${verdict.reason.split('\n')[0]}`);
  };
  try {
    const runners = executors.map(
      (executor): Runner =>
        (folder, steps) =>
          executor.run({ folder, steps }),
    );
    if (!python)
      watcher.log(
        '*** The readers h5py and pyarrow are missing, so their answers are not compared: npm run setup:python ***',
      );
    const cases = await prepareAll(formats, scratch, runners, python);
    const all = [...formats, ...head];
    const turns =
      only === undefined ? schedule(all, options.runs) : all.map(({ name }) => ({ format: name, run: only }));
    watcher.begin(turns.length);
    const endMs = performance.now() + 1000 * seconds;
    const queue = turns.filter(({ format }) => cases.has(format))[Symbol.iterator]();
    const work = async (runner: Runner) => {
      for (const turn of queue) {
        if (performance.now() > endMs) return;
        note(await takeTurn(cases.get(turn.format)!, turn, seed, join(scratch, 'runs'), runner, keep));
      }
    };
    await Promise.all(runners.map(work));
    for (const format of head) {
      const runs = turns.filter((turn) => turn.format === format.name).map(({ run }) => run);
      for (const found of await runHead(format, runs, seed, join(scratch, format.name)))
        note(isBad(found.verdict) ? { ...found, folder: await keepHead(found, seed, keep) } : found);
    }
    return { tally, findings };
  } finally {
    for (const executor of executors) executor.stop();
    python?.stop();
    forgetWorld();
    await rm(scratch, { recursive: true, force: true });
  }
}

async function prepareAll(
  formats: readonly Format[],
  scratch: string,
  runners: readonly Runner[],
  python: PythonReader | undefined,
): Promise<Map<string, ValidAnswers>> {
  const prepared = new Map<string, ValidAnswers>();
  const queue = formats[Symbol.iterator]();
  const work = async (run: Runner) => {
    const tools: Tools = { python, run: (folder, ...steps) => runValid(run, folder, steps) };
    for (const format of queue) {
      const folder = join(scratch, format.name);
      await mkdir(folder, { recursive: true });
      const cases = await format.prepare(folder, tools);
      prepared.set(format.name, new ValidAnswers(cases, join(scratch, `${format.name}-valid`)));
    }
  };
  await Promise.all(runners.map(work));
  return prepared;
}

async function runValid(run: Runner, folder: string, steps: readonly (readonly string[])[]) {
  const ending = await run(folder, steps);
  if (ending.kind !== 'replied' || ending.reply.results.at(-1)!.code !== 0) throw new Error(JSON.stringify(ending));
  return ending.reply.results.map(({ stdout }) => JSON.parse(stdout) as Record<string, unknown>);
}

/** Runs one turn; repeats a finding in a new process, and keeps its files where it happens again. */
async function takeTurn(
  answers: ValidAnswers,
  { format, run }: Turn,
  seed: number,
  scratch: string,
  runner: Runner,
  keep: string,
): Promise<Finding> {
  const folder = join(scratch, `${format}-${run}`);
  const { cases } = answers;
  const one = await answers.of(diceOf(seed, format, run).pick(cases), runner);
  const attempt = (where: string, by: Runner, limits: Limits) => {
    const dice = diceOf(seed, format, run);
    dice.pick(cases);
    return runOnce(one, dice, where, by, limits);
  };
  const verdict = await attempt(folder, runner, LIMITS);
  await rm(folder, { recursive: true, force: true });
  if (!isBad(verdict)) return { format, run, name: one.name, verdict, folder };
  const kept = join(keep, `${format}-${seed}-${run}`);
  await rm(kept, { recursive: true, force: true });
  await mkdir(keep, { recursive: true });
  const again = await attempt(kept, freshRunner(PATIENT), PATIENT);
  if (isBad(again)) await writeFile(join(kept, 'REPEAT.txt'), repetition(one, again, { format, run }, seed));
  else await rm(kept, { recursive: true, force: true });
  return { format, run, name: one.name, verdict: again, folder: kept };
}

function repetition(one: PreparedCase, { outcome, reason }: Verdict, { format, run }: Turn, seed: number): string {
  return [
    `${format}, ${one.name}: ${outcome}`,
    `changed file: ${one.target}`,
    `the same change again: npm run fuzz -- --format ${format} --seed ${seed} --run ${run}`,
    'the commands, in this folder (which also has their outputs now):',
    ...one.steps.map((step) => `  lanceflow ${step.join(' ')}`),
    '',
    reason,
    '',
  ].join('\n');
}
