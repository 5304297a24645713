import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { BUCKET, buildTable } from '../support/build-table.ts';
import { LANCEFLOW, type Measured, measure } from '../support/run.ts';
import { parseNeighbours, parsePeerTable, type Rankings } from './rankings.ts';

/** Number of nearest neighbours, of which all are aligned. */
export const CANDIDATES = 300;

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
}

/** Sequences of a task (FASTA). */
export interface Inputs {
  queries: string;
  targets: string;
  targetCount: number;
  /** Largest E-value that MMseqs2 and DIAMOND report. */
  evalue: number;
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

/** Returns the system of a model: `kmer` or a folder. */
export function lanceflow(name: string, model: string): System {
  return async (inputs, folder) => {
    const shard = { queries: join(folder, 'queries.h5'), targets: join(folder, 'targets.h5') };
    const embed = (input: 'queries' | 'targets') =>
      measure(LANCEFLOW, [
        ...['embed-sequences', '--model', model, '--input', inputs[input], '--output', shard[input], '--json'],
      ]);
    const database = join(folder, 'database');
    const targets = await embed('targets');
    const build = sum(targets, ...Object.values(await buildTable(shard.targets, database, { ingest: [], index: [] })));
    const [hits, neighbours] = [join(folder, 'hits.parquet'), join(folder, 'neighbours')];
    const table = ['--bucket', BUCKET, '--database', database, '--queries'];
    const k = ['--k', `${CANDIDATES}`, '--json'];
    const queries = await embed('queries');
    const search = await measure(LANCEFLOW, [
      ...['search-bucket', ...table, shard.queries, '--search', 'exact', '--exclude-self', ...k, '--output', hits],
    ]);
    const merge = await measure(LANCEFLOW, [
      ...['merge-hits', '--input', hits, ...k, '--output', `${neighbours}.parquet`, '--csv', `${neighbours}.csv`],
    ]);
    const rankings = parseNeighbours(await readFile(`${neighbours}.csv`, 'utf8'));
    return [answer(`LanceFlow ${name}`, build, sum(queries, search, merge), rankings)];
  };
}

/** Makes an empty folder for a system's files, runs it, and removes them. */
export async function runSystem(system: System, inputs: Inputs, folder: string): Promise<Answer[]> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const answers = await system(inputs, folder);
  await rm(folder, { recursive: true });
  return answers;
}

function answer(system: string, build: Measured | Cost, search: Measured | Cost, rankings: Rankings): Answer {
  return { system, build: sum(build), search: sum(search), rankings };
}

function sum(...costs: readonly Cost[]): Cost {
  const total = (field: keyof Cost) => costs.reduce((all, cost) => all + cost[field], 0);
  return { seconds: total('seconds'), cpuSeconds: total('cpuSeconds') };
}
