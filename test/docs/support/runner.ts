import { join } from 'node:path';
import { expect } from 'vitest';
import { type Finished, ROOT, requirePython, run } from '../../support/run.ts';
import type { Block } from './markdown.ts';

/** How a block of each language is run, in a folder that is a fresh clone of the repository, set up. */
const RUNNERS: Record<string, (text: string, cwd: string) => Promise<Finished>> = {
  bash: (text, cwd) => run('bash', ['-euo', 'pipefail', '-c', text], { cwd, env: environment() }),
  python: (text, cwd) => run(requirePython(), ['-c', text], { cwd }),
  sql: (text, cwd) => run(requirePython(), ['-c', SQL, text], { cwd }),
};

/** Prints what a person sees in DuckDB's own shell, a statement at a time. */
const SQL = `
import duckdb, sys
for statement in sys.argv[1].split(';'):
    if statement.strip(): print(duckdb.sql(statement))`;

/** Languages that are shown, not run. */
export const SHOWN = ['text', 'json', 'csv', 'mermaid', 'typescript', 'groovy', 'fasta'];

/** True for a block that a test must run: of a language that runs, and not marked `no-test`. */
export function isRunnable({ language, marks }: Block): boolean {
  return Object.hasOwn(RUNNERS, language) && !marks.includes('no-test');
}

/** True for every block whose language is known here. */
export function isKnown({ language, marks }: Block): boolean {
  return Object.hasOwn(RUNNERS, language) || SHOWN.includes(language) || marks.includes('no-test');
}

/** Runs a block, which must end with the exit code that it is marked with (`fails=65`), 0 where it is not. */
export async function runBlock(block: Block, cwd: string): Promise<Finished> {
  const finished = await RUNNERS[block.language]!(block.text, cwd);
  const expected = Number(block.marks.find((mark) => mark.startsWith('fails='))?.slice(6) ?? 0);
  if (finished.code !== expected)
    throw new Error(
      `${block.file}:${block.line} ended with ${finished.code}, not ${expected}:\n${block.text}\n\n` +
        `${finished.stdout.slice(-4000)}\n${finished.stderr.slice(-4000)}`,
    );
  return finished;
}

/** Compares what a block printed with the block below it that shows its output; "..." stands for anything. */
export function expectOutput(shown: Block, { stdout, stderr }: Finished): void {
  const printed = shown.marks.includes('stderr') ? stderr : stdout;
  const lines = shown.text.trim().split('\n');
  const pattern = lines.map((line) => line.trimEnd().split('...').map(RegExp.escape).join('.*')).join('\\s*\\n');
  expect(printed, `${shown.file}:${shown.line}`).toMatch(new RegExp(pattern, 's'));
}

function environment(): NodeJS.ProcessEnv {
  // `duckdb`, `h5ls` and the like are not assumed; the Python of the tests is `python`.
  const path = `${join(ROOT, '.tools/python/bin')}:${process.env.PATH}`;
  return { ...process.env, PATH: path, NXF_ANSI_LOG: 'false' };
}
