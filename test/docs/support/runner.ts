import { join } from 'node:path';
import { expect } from 'vitest';
import { type Finished, ROOT, requirePython, run } from '../../support/run.ts';
import type { Block } from './markdown.ts';

/** The program that runs a block of each language, in a fresh clone of the repository. */
const RUNNERS: Record<string, (text: string, cwd: string) => Promise<Finished>> = {
  bash: (text, cwd) => run('bash', ['-euo', 'pipefail', '-c', text], { cwd, env: environment() }),
  python: (text, cwd) => run(requirePython(), ['-c', text], { cwd }),
  sql: (text, cwd) => run(requirePython(), ['-c', SQL, text], { cwd }),
};

/** Prints each statement's result as DuckDB's shell does. */
const SQL = `
import duckdb, sys
for statement in sys.argv[1].split(';'):
    if statement.strip(): print(duckdb.sql(statement))`;

/** Languages of blocks that do not run. */
export const SHOWN = ['text', 'json', 'csv', 'mermaid', 'typescript', 'groovy', 'fasta'];

/** Returns true for a block that a test must run: of a runnable language, and not marked `no-test`. */
export function isRunnable({ language, marks }: Block): boolean {
  return Object.hasOwn(RUNNERS, language) && !marks.includes('no-test');
}

/** Returns true for every block of a known language. */
export function isKnown({ language, marks }: Block): boolean {
  return Object.hasOwn(RUNNERS, language) || SHOWN.includes(language) || marks.includes('no-test');
}

/** Runs a block, which must exit with its marked code (`fails=65`), or 0. */
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

/** Compares the output of a block with the output block below it; "..." matches anything. */
export function expectOutput(shown: Block, { stdout, stderr }: Finished): void {
  const printed = shown.marks.includes('stderr') ? stderr : stdout;
  const lines = shown.text.trim().split('\n');
  const pattern = lines.map((line) => line.trimEnd().split('...').map(RegExp.escape).join('.*')).join('\\s*\\n');
  expect(printed, `${shown.file}:${shown.line}`).toMatch(new RegExp(pattern, 's'));
}

function environment(): NodeJS.ProcessEnv {
  // Programs such as `duckdb` and `h5ls` may be missing; `python` is the Python of the tests.
  const path = `${join(ROOT, '.tools/python/bin')}:${process.env.PATH}`;
  return { ...process.env, PATH: path, NXF_ANSI_LOG: 'false' };
}
