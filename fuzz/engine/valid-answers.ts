import { cp, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { EXIT } from '../../workers/src/base/errors.ts';
import type { Case } from './case.ts';
import { type PreparedCase, type Runner, reportOf } from './one-run.ts';

/** The cases of a format, and the answers to their valid inputs, which are computed on first use. */
export class ValidAnswers {
  readonly cases: readonly Case[];
  readonly #scratch: string;
  readonly #made = new Map<string, Promise<Map<Case, PreparedCase>>>();

  /** @param scratch name of a folder that does not exist */
  constructor(cases: readonly Case[], scratch: string) {
    this.cases = cases;
    this.#scratch = scratch;
  }

  /** @throws where the commands refuse the valid input */
  async of(one: Case, run: Runner): Promise<PreparedCase> {
    // Cases of the same files and commands differ in the file that will be changed: the commands run once for all of them.
    const key = keyOf(one);
    const made =
      this.#made.get(key) ??
      answerAll(
        this.cases.filter((other) => keyOf(other) === key),
        `${this.#scratch}-${this.#made.size}`,
        run,
      );
    this.#made.set(key, made);
    return (await made).get(one)!;
  }
}

function keyOf({ template, steps }: Case): string {
  return JSON.stringify([template, steps]);
}

async function answerAll(cases: readonly Case[], folder: string, run: Runner): Promise<Map<Case, PreparedCase>> {
  const { name, template, steps, normally = EXIT.ok } = cases[0]!;
  await cp(template, folder, { recursive: true });
  const ending = await run(folder, steps);
  if (ending.kind !== 'replied' || ending.reply.results.at(-1)!.code !== normally)
    throw new Error(`${name}: the valid input is refused: ${JSON.stringify(ending)}`);
  const { results } = ending.reply;
  const prepared = new Map<Case, PreparedCase>();
  for (const one of cases) {
    const [target, valid] = [join(folder, one.target), await readFile(join(template, one.target))];
    const facts = { folder, results, report: reportOf(results), target, valid, mutated: valid };
    prepared.set(one, { ...one, expected: normally === EXIT.ok ? await one.answer(facts) : '' });
  }
  await rm(folder, { recursive: true });
  return prepared;
}
