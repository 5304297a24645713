import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import { ROOT } from '../../support/run.ts';
import { nextflow } from './nextflow.ts';

export interface Answer {
  value?: unknown;
  error?: string;
}

/** Runs the pipeline's checks on these cases, in one run of Nextflow. */
export async function check<C extends Record<string, object>>(
  cases: C,
  folder: string,
  env: NodeJS.ProcessEnv = {},
): Promise<Record<keyof C, Answer>> {
  const [questions, answers] = [join(folder, 'cases.json'), join(folder, 'answers.json')];
  await writeFile(questions, JSON.stringify(Object.values(cases)));
  const script = join(ROOT, 'test/pipeline/support/checks.nf');
  const params = ['--home', ROOT, '--cases', questions, '--answers', answers];
  const { code, stdout } = await nextflow(['run', script, '-lib', join(ROOT, 'lib'), ...params], folder, env);
  expect(code, stdout).toBe(0);
  const values = JSON.parse(await readFile(answers, 'utf8')) as Answer[];
  return Object.fromEntries(Object.keys(cases).map((name, i) => [name, values[i]!])) as Record<keyof C, Answer>;
}

export const parameters = (params: object) => ({ check: 'parameters', params });
export const request = (params: object) => ({ check: 'request', params: { outdir: 'results', ...params } });
/** Returns the kind of each file by its name; null for none. */
export const kinds = (names: readonly string[]) => ({ check: 'kinds', names });
/** Returns what is wrong with the installation in a folder. */
export const setup = (home: string) => ({ check: 'setup', home });
export const inputs = (path: string) => ({ check: 'inputs', path });
export const ids = (path: string) => ({ check: 'ids', path });
/** Returns for each file whether it is divided. */
export const large = (path: string, residues: number) => ({ check: 'large', path, residues });
/** The sources in each batch. @param files source and byte count of each shard */
export const batches = (files: ReadonlyArray<readonly [string, number | null]>) => ({ check: 'batches', files });
/** The message of a failed run, and the command that shows its log. @param workflow Nextflow's messages @param files the user's inputs */
export const failure = (
  workflow: { errorMessage: string | null; errorReport: string | null },
  files: ReadonlyArray<{ source: string; kind: string; path: string }>,
) => ({ check: 'failure', workflow, files });
