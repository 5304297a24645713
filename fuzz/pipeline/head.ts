import { execFile } from 'node:child_process';
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Dice } from '../dice.ts';
import type { Finding } from '../engine/campaign.ts';
import type { Verdict } from '../engine/verdict.ts';
import { type Anatomy, mutate } from '../mutate/mutate.ts';
import { csvColumn } from '../oracle/csv.ts';

const HOME = fileURLToPath(new URL('../..', import.meta.url));
const SHEET = 'sample,path,note\nsoil,in/a.fasta,first\n"lake, deep",in/b.fasta,"a ""note"""\nsea,"in/c.h5",\n';
const PARAMS = {
  ...{ input: 'in', database: 'db', outdir: 'results', model: 'kmer', k: 10, bucket_size: 1000 },
  ...{ search: 'auto', target_recall: 0.95, exclude_self: true, metric: 'cosine', csv: 'gzip' },
};

/** The exception of `Parameters.stop`. */
const USER_ERROR = 'WorkflowScriptErrorException';
/** Messages of Nextflow, which reads files of parameters itself. */
const NOT_READ = 'NotRead';

/** A file that the pipeline's head reads, before any task. */
export interface HeadFormat {
  describe: string;
  weight: number;
  name: 'samplesheet' | 'pipeline-params';
  file: string;
  valid: string;
  anatomy: Anatomy;
  /** Returns why the answer for an accepted file is wrong. */
  problem(value: string[], mutated: Buffer, folder: string): string | undefined;
}

/** The formats that lib/ reads. One run of Nextflow reads all changed files, because its start takes seconds. */
export const HEAD_FORMATS: readonly HeadFormat[] = [
  {
    name: 'samplesheet',
    describe: "the pipeline's reading of changed samplesheets",
    weight: 2,
    ...{ file: 'x.csv', valid: SHEET, anatomy: 'text', problem: sheetProblem },
  },
  {
    name: 'pipeline-params',
    describe: "the pipeline's checks of changed parameters",
    weight: 1,
    file: 'x.json',
    valid: JSON.stringify(PARAMS, null, 2),
    anatomy: 'json',
    problem: () => undefined,
  },
];

function sheetProblem(value: string[], mutated: Buffer, folder: string): string | undefined {
  const paths = csvColumn(mutated, 'path').map((cell) => join(folder, cell));
  const expected = [...new Set(paths)].sort().join('\n');
  const found = value.toSorted().join('\n');
  return expected === found ? undefined : `inputs ${found}, not ${expected}`;
}

interface Answer {
  value?: string[];
  error?: string;
  kind?: string;
}

/** Lets the pipeline's own checks read changed files. @param folder empty @returns the outcome of each */
export async function runHead(
  format: HeadFormat,
  runs: readonly number[],
  seed: number,
  folder: string,
): Promise<Finding[]> {
  const changed = await Promise.all(runs.map((run) => changedFile(format, run, seed, join(folder, `${run}`))));
  const [cases, answers] = [join(folder, 'cases.json'), join(folder, 'answers.json')];
  await writeFile(cases, JSON.stringify(changed.map(({ path }) => ({ format: format.name, path }))));
  const args = ['run', join(HOME, 'fuzz/pipeline/checks.nf'), '-lib', join(HOME, 'lib'), '--home', HOME];
  await promisify(execFile)(join(HOME, 'bin/nextflow'), [...args, '--cases', cases, '--answers', answers], {
    cwd: folder,
  });
  const readings = JSON.parse(await readFile(answers, 'utf8')) as Answer[];
  return changed.map(({ run, mutated, folder: own }, i) => ({
    ...{ format: format.name, run, name: format.file, folder: own },
    verdict: verdictOf(readings[i]!, (value) => format.problem(value, mutated, own)),
  }));
}

async function changedFile({ name, file, valid, anatomy }: HeadFormat, run: number, seed: number, folder: string) {
  await mkdir(join(folder, 'in'), { recursive: true });
  for (const input of ['a.fasta', 'b.fasta', 'c.h5']) await writeFile(join(folder, 'in', input), '');
  const mutated = mutate(Buffer.from(valid), anatomy, new Dice(seed, name, run), Buffer.from(valid));
  const path = join(folder, file);
  await writeFile(path, mutated);
  return { run, folder, path, mutated };
}

function verdictOf(
  { value, error = '', kind = '' }: Answer,
  problem: (value: string[]) => string | undefined,
): Verdict {
  if (value === undefined)
    return kind === USER_ERROR || kind === NOT_READ
      ? { outcome: '65', reason: error }
      : { outcome: 'bug', reason: `${kind}: ${error}` };
  const wrong = problem(value);
  return wrong === undefined ? { outcome: 'explained', reason: '' } : { outcome: 'wrong', reason: wrong };
}

/** Keeps the folder of a finding. */
export async function keepHead({ format, run, folder, verdict }: Finding, seed: number, keep: string): Promise<string> {
  const kept = join(keep, `${format}-${seed}-${run}`);
  await cp(folder, kept, { recursive: true });
  await writeFile(
    join(kept, 'REPEAT.txt'),
    `${format}: ${verdict.outcome}\nnpm run fuzz -- --format ${format} --seed ${seed} --run ${run}\n\n${verdict.reason}\n`,
  );
  return kept;
}
