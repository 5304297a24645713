import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { BUCKET, buildTable } from '../support/build-table.ts';
import { LANCEFLOW, type Measured, measure } from '../support/run.ts';
import { parseNeighbours, parsePeerTable, type Rankings } from './rankings.ts';

/** Numbers of nearest neighbours that are aligned. Without alignment, the first number of neighbours is kept. */
const CANDIDATES = [300, 1200];

export interface Cost {
  seconds: number;
  cpuSeconds: number;
}

/** The answer of a system, and what building its database and searching it cost. */
export interface Answer {
  system: string;
  build: Cost;
  search: Cost;
  rankings: Rankings;
  /** Number of hits of a query that the system reports. */
  kept: number;
}

/** Sequences of a task (FASTA). */
export interface Inputs {
  queries: string;
  targets: string;
  targetCount: number;
  /** Largest E-value that MMseqs2 and DIAMOND report. */
  evalue: number;
  /** Number of aligned neighbours of a query that LanceFlow reports. */
  aligned: number;
}

/** Searches with one system, in a new folder. A run may answer several ways. */
export type System = (inputs: Inputs, folder: string) => Promise<Answer[]>;

export const mmseqs2: System = async ({ queries, targets, targetCount, evalue }, folder) => {
  const [database, table] = [join(folder, 'targets'), join(folder, 'table.tsv')];
  const build = await measure('mmseqs', ['createdb', targets, database, '-v', '1']);
  const options = ['-s', '7.5', '-e', `${evalue}`, '--max-seqs', `${targetCount}`, '-v', '1'];
  const columns = ['--format-output', 'query,target,evalue'];
  const search = await measure('mmseqs', [
    ...['easy-search', queries, database, table, join(folder, 'tmp'), ...options, ...columns],
  ]);
  return [answer('MMseqs2 -s 7.5', build, search, parsePeerTable(await readFile(table, 'utf8')))];
};

export const diamond: System = async ({ queries, targets, evalue }, folder) => {
  const [database, table] = [join(folder, 'targets'), join(folder, 'table.tsv')];
  const build = await measure('diamond', ['makedb', '--in', targets, '--db', database, '--quiet']);
  const search = await measure('diamond', [
    ...['blastp', '--ultra-sensitive', '--query', queries, '--db', database, '--out', table, '--quiet'],
    ...['--evalue', `${evalue}`, '--max-target-seqs', '0', '--outfmt', '6', 'qseqid', 'sseqid', 'evalue'],
  ]);
  return [answer('DIAMOND --ultra-sensitive', build, search, parsePeerTable(await readFile(table, 'utf8')))];
};

/** Returns the system of a model: `kmer` or a folder. Its answers are the nearest neighbours, and those after alignment. */
export function lanceflow(name: string, model: string): System {
  return async (inputs, folder) => {
    const shard = { queries: join(folder, 'queries.h5'), targets: join(folder, 'targets.h5') };
    const embed = (input: 'queries' | 'targets') =>
      run('embed-sequences', '--model', model, '--input', inputs[input], '--output', shard[input]);
    const database = join(folder, 'database');
    const targets = await embed('targets');
    const build = sum(targets, ...Object.values(await buildTable(shard.targets, database, { ingest: [], index: [] })));
    const queries = await embed('queries');
    const answers: Answer[] = [];
    for (const candidates of CANDIDATES) {
      const nearest = await findNearest(database, shard.queries, candidates, folder);
      const search = sum(queries, nearest.cost);
      if (candidates === CANDIDATES[0])
        answers.push(answer(`LanceFlow ${name}`, build, search, parseNeighbours(nearest.csv), candidates));
      const aligned = await align(database, inputs, candidates, folder);
      const title = `LanceFlow ${name}, ${candidates.toLocaleString('en')} aligned`;
      const rankings = parseNeighbours(aligned.csv, 'alignment_evalue');
      answers.push(answer(title, build, sum(search, aligned.cost), rankings, inputs.aligned));
    }
    return answers;
  };
}

/** Writes neighbours.parquet. @returns the neighbours as CSV */
export async function findNearest(database: string, queries: string, k: number, folder: string) {
  const [hits, neighbours, csv] = ['hits.parquet', 'neighbours.parquet', 'neighbours.csv'].map((name) =>
    join(folder, name),
  ) as [string, string, string];
  const table = ['--bucket', BUCKET, '--database', database, '--queries', queries];
  const options = ['--search', 'exact', '--exclude-self', '--k', `${k}`];
  const search = await run('search-bucket', ...table, ...options, '--output', hits);
  const merge = await run('merge-hits', '--input', hits, '--k', `${k}`, '--output', neighbours, '--csv', csv);
  return { cost: sum(search, merge), csv: await readFile(csv, 'utf8') };
}

/** Aligns the neighbours of neighbours.parquet. @returns the best as CSV */
async function align(database: string, { queries, aligned }: Inputs, candidates: number, folder: string) {
  const [neighbours, fetched, output, csv] = [
    'neighbours.parquet',
    'fetched.parquet',
    'aligned.parquet',
    'aligned.csv',
  ].map((name) => join(folder, name)) as [string, string, string, string];
  const fetch = await run(
    ...[
      'fetch-columns',
      '--neighbours',
      neighbours,
      '--database',
      database,
      '--columns',
      'sequence',
      '--output',
      fetched,
    ],
  );
  const best = await run(
    ...['align-neighbours', '--neighbours', fetched, '--queries', queries, '--database', database],
    ...['--candidates', `${candidates}`, '--rank', 'alignment', '--k', `${aligned}`, '--output', output, '--csv', csv],
  );
  return { cost: sum(fetch, best), csv: await readFile(csv, 'utf8') };
}

const run = (...args: string[]): Promise<Measured> => measure(LANCEFLOW, [...args, '--json']);

/** Makes an empty folder for a system's files, runs it, and removes them. */
export async function runSystem(system: System, inputs: Inputs, folder: string): Promise<Answer[]> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const answers = await system(inputs, folder);
  await rm(folder, { recursive: true });
  return answers;
}

function answer(
  system: string,
  build: Cost,
  search: Cost,
  rankings: Rankings,
  kept = Number.POSITIVE_INFINITY,
): Answer {
  return { system, build: sum(build), search: sum(search), rankings, kept };
}

function sum(...costs: readonly Cost[]): Cost {
  const total = (field: keyof Cost) => costs.reduce((all, cost) => all + cost[field], 0);
  return { seconds: total('seconds'), cpuSeconds: total('cpuSeconds') };
}
