import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { EXIT } from '../../workers/src/base/errors.ts';
import { Dice } from '../dice.ts';
import { mutate } from '../mutate/mutate.ts';
import type { Case, RunFacts, StepResult } from './case.ts';
import { messageProblem } from './message.ts';
import type { Ending, Limits } from './pool.ts';
import { type Snapshot, snapshot, tracesOf } from './traces.ts';
import type { Outcome, Verdict } from './verdict.ts';

/** Runs command lines in a folder. */
export type Runner = (folder: string, steps: Case['steps']) => Promise<Ending>;

/** A case with the answer to its valid input. */
export interface PreparedCase extends Case {
  expected: string;
}

const EARLIER = 'the result of an earlier run';

/** Changes the case's file and runs its commands. @param folder is created, and kept */
export async function runOnce(
  one: PreparedCase,
  dice: Dice,
  folder: string,
  run: Runner,
  limits: Limits,
): Promise<Verdict> {
  await cp(one.template, folder, { recursive: true });
  const target = join(folder, one.target);
  const valid = await readFile(target);
  const partner = one.partners?.length ? await readFile(dice.pick(one.partners)) : valid;
  const mutated = mutate(valid, one.anatomy, dice, partner);
  await writeFile(target, mutated);
  // A refused input must not destroy an existing result.
  if (dice.chance(0.5))
    for (const output of one.outputs) {
      await mkdir(dirname(join(folder, output)), { recursive: true });
      await writeFile(join(folder, output), EARLIER);
    }
  const before = await snapshot(folder);
  const ending = await run(folder, one.steps);
  return judge(one, ending, { folder, target, valid, mutated, before }, limits);
}

async function judge(
  one: PreparedCase,
  ending: Ending,
  { before, ...files }: Pick<RunFacts, 'folder' | 'target' | 'valid' | 'mutated'> & { before: Snapshot },
  limits: Limits,
): Promise<Verdict> {
  if (ending.kind === 'crashed') return { outcome: 'crash', reason: ending.how };
  if (ending.kind === 'hung') return { outcome: 'hang', reason: `no end after ${limits.timeMs / 1000} s` };
  if (ending.kind === 'swollen') return { outcome: 'memory', reason: megabytes(ending.bytes) };
  const { results, escaped, grownBytes } = ending.reply;
  const last = results.at(-1)!;
  if (escaped !== undefined) return { outcome: 'bug', reason: escaped };
  const outcome = OUTCOMES[last.code];
  if (outcome === undefined || outcome === 'bug') return { outcome: 'bug', reason: last.stderr };
  if (grownBytes > limits.memoryBytes) return { outcome: 'memory', reason: megabytes(grownBytes) };
  const refused = last.code !== EXIT.ok;
  const traces = tracesOf(before, await snapshot(files.folder), [...(one.writes ?? []), ...mayWrite(one, results)]);
  if (traces.length > 0) return { outcome: 'trace', reason: traces.join('\n') };
  const facts = { ...files, results, report: reportOf(results) };
  if (!refused) return judgeAnswer(one, facts);
  const problem =
    messageProblem(one.steps[results.length - 1]![0]!, last.stderr) ?? (await one.explainRefusal?.(facts));
  return problem ? { outcome: 'wrong', reason: `${problem}\n${last.stderr}` } : { outcome, reason: last.stderr };
}

async function judgeAnswer(one: PreparedCase, facts: RunFacts): Promise<Verdict> {
  try {
    const answer = await one.answer(facts);
    if (answer === one.expected) return { outcome: 'same', reason: '' };
    const problem = await one.explain(facts, answer, one.expected);
    return problem === undefined ? { outcome: 'explained', reason: '' } : { outcome: 'wrong', reason: problem };
  } catch (error) {
    return { outcome: 'wrong', reason: `the answer cannot be judged: ${(error as Error).stack}` };
  }
}

const OUTCOMES: Record<number, Outcome | undefined> = {
  [EXIT.ok]: 'same',
  [EXIT.usage]: '64',
  [EXIT.data]: '65',
  [EXIT.transient]: '75',
  [EXIT.bug]: 'bug',
};

/** Checks that outputs exist after a success; those of earlier steps are complete by then. */
function mayWrite(one: Case, results: readonly StepResult[]): string[] {
  const whole = results.filter(({ code }) => code === 0).length;
  if (whole === one.steps.length) return [...one.outputs];
  return one.steps.slice(0, whole).flatMap((step) => one.outputs.filter((output) => step.includes(output)));
}

export function reportOf(results: readonly StepResult[]): RunFacts['report'] {
  return (step) => JSON.parse(results[step]!.stdout);
}

function megabytes(bytes: number): string {
  return `memory grew by ${Math.round(bytes / 1e6)} MB`;
}

/** Returns the same choices again for a repeated run. */
export function diceOf(seed: number, format: string, run: number): Dice {
  return new Dice(seed, format, run);
}
