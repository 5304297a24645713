/**
 * E-values of real proteins: the share of queries whose nearest neighbour has one of at most 0.01, for queries without relatives, and for
 * those with homologs (docs/output.md). Sequences and MMseqs2, which tells the homologs, are those of Debian.
 *
 *   npm run bench -- significance [--model DIR]... [--folder DIR] [--save]
 *   node bench/significance.ts --page      rewrites the table in docs/ from bench/results/significance.json
 *
 * Prints one JSON object with the models by name: kmer, or those of --model instead. A named folder keeps what MMseqs2 found. --save
 * replaces the saved result of these models.
 */
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { parseArgs } from 'node:util';
import { Database } from '../workers/src/database/database.ts';
import { takeVectorsAt } from '../workers/src/lance/read-table.ts';
import { drawNullSample, measureNulls } from '../workers/src/vectors/significance/measure-nulls.ts';
import { SIGNIFICANT } from './proteins/metrics.ts';
import { parseNeighbours, parsePeerTable, type Rankings } from './proteins/rankings.ts';
import { formatFasta, type Protein } from './proteins/sequences.ts';
import { DEBIAN, Sources } from './proteins/sources.ts';
import { findNearest } from './proteins/systems.ts';
import { shuffle } from './proteins/tasks.ts';
import { significanceTables } from './significance/page.ts';
import type { ModelResult, SetShare, SignificanceResult, StrangerSet } from './significance/result.ts';
import { BUCKET, buildTable } from './support/build-table.ts';
import { insertTables } from './support/markdown.ts';
import { capture, LANCEFLOW, measure, ROOT, say, withFolder } from './support/run.ts';

/** Neighbours among which the nearest that is no relative is looked for. */
const K = 500;
/** A target may be a relative up to this E-value of MMseqs2, and is one below the other. */
const [MAYBE, HOMOLOG] = [10, 0.001];
const [SHUFFLED, CHOSEN] = [1000, 600];

const { values } = parseArgs({
  options: {
    model: { type: 'string', multiple: true, default: ['kmer'] },
    folder: { type: 'string' },
    page: { type: 'boolean', default: false },
  },
});

if (values.page) await writePage();
else await withFolder(values.folder, measureModels);

/** The sets of queries, and the database. */
interface Inputs {
  sets: Record<StrangerSet, Protein[]>;
  targets: Protein[];
  /** What MMseqs2 finds for the real queries. */
  relatives: Rankings;
}

async function measureModels(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  const inputs = await readInputs(folder);
  const result: Record<string, unknown> = {};
  for (const model of values.model) result[basename(model)] = await measureModel(model, inputs, folder);
  console.log(JSON.stringify(result, null, 2));
}

async function readInputs(folder: string): Promise<Inputs> {
  const sources = await Sources.open(DEBIAN);
  const queries = await sources.read('mmseqs2', 'QUERY.fasta.gz');
  const targets = await sources.read('mmseqs2', 'DB.fasta.gz');
  const chosen = choose(targets, CHOSEN);
  const shuffled = (proteins: Protein[]) =>
    proteins.map((protein, i) => ({ ...protein, id: `shuffled_${i}`, sequence: shuffle(protein.sequence, i + 1) }));
  const sets = {
    shuffledQueries: shuffled([...queries, ...queries]),
    shuffledTargets: shuffled(choose(targets, SHUFFLED)),
    queries,
    targets: chosen,
  };
  return { sets, targets, relatives: await findRelatives([...queries, ...chosen], targets, folder) };
}

/** Chooses proteins at equal distances. */
function choose(proteins: Protein[], count: number): Protein[] {
  return Array.from({ length: count }, (_, i) => proteins[Math.floor((i * proteins.length) / count)]!);
}

async function findRelatives(queries: Protein[], targets: Protein[], folder: string): Promise<Rankings> {
  const table = join(folder, 'relatives.tsv');
  if (!existsSync(table)) {
    const unique = [...new Map(queries.map((protein) => [protein.id, protein])).values()];
    const [asked, database] = await writeAll(folder, { queries: unique, targets });
    const options = ['-s', '7.5', '-e', `${MAYBE}`, '--max-seqs', `${targets.length}`, '-v', '1'];
    const search = ['easy-search', asked!, database!, table, join(folder, 'tmp'), ...options];
    await capture('mmseqs', [...search, '--format-output', 'query,target,evalue']);
  }
  return parsePeerTable(await readFile(table, 'utf8'));
}

/** Writes proteins as FASTA. @returns the paths, in order */
function writeAll(folder: string, sets: Record<string, Protein[]>): Promise<string[]> {
  return Promise.all(
    Object.entries(sets).map(async ([name, proteins]) => {
      const path = join(folder, `${name}.fasta`);
      await writeFile(path, formatFasta(proteins));
      return path;
    }),
  );
}

async function measureModel(model: string, { sets, targets, relatives }: Inputs, folder: string) {
  const embed = async (name: string, proteins: Protein[]) => {
    const [input] = await writeAll(folder, { [name]: proteins });
    const output = join(folder, `${name}.h5`);
    await measure(LANCEFLOW, ['embed-sequences', '--model', model, '--input', input!, '--output', output, '--json']);
    return output;
  };
  const database = join(folder, 'database');
  const costs = await buildTable(await embed('targets', targets), database, { ingest: [], index: [] });
  const strangers: Partial<Record<StrangerSet, SetShare>> = {};
  let homologs: SetShare | undefined;
  for (const [name, proteins] of Object.entries(sets) as [StrangerSet, Protein[]][]) {
    const isShuffled = name.startsWith('shuffled');
    const queries = await embed('queries', proteins);
    const rankings = parseNeighbours((await findNearest(database, queries, isShuffled ? 1 : K, folder)).csv);
    const ids = proteins.map(({ id }) => id);
    strangers[name] = significant(ids, rankings, (query) => {
      const related = new Set(relatives.get(query)?.map(({ target }) => target));
      return (target) => !related.has(target);
    });
    if (name === 'queries') homologs = shareOfHomologs(ids, rankings, relatives);
    say(`${model}: ${name}: ${JSON.stringify(strangers[name])}`);
  }
  const { dimension, cpuSeconds } = await measureSampling(database);
  const build = costs.ingest.cpuSeconds + costs.index.cpuSeconds;
  return {
    ...{ targets: targets.length, dimension, strangers: strangers as ModelResult['strangers'], homologs },
    cpuSeconds: { build, nullDistances: cpuSeconds },
  };
}

/** Counts the queries whose nearest target of those that `counts` has a significant E-value. */
function significant(
  queries: readonly string[],
  rankings: Rankings,
  counts: (query: string) => (target: string) => boolean,
): SetShare {
  const found = queries.filter((query) => {
    const isCounted = counts(query);
    const nearest = rankings.get(query)?.find(({ target }) => isCounted(target));
    return (nearest?.evalue ?? Number.POSITIVE_INFINITY) <= SIGNIFICANT;
  });
  return { queries: queries.length, share: found.length / queries.length };
}

function shareOfHomologs(queries: readonly string[], rankings: Rankings, relatives: Rankings): SetShare {
  const homologsOf = (query: string) =>
    new Set((relatives.get(query) ?? []).filter(({ evalue }) => evalue! < HOMOLOG).map(({ target }) => target));
  const withHomolog = queries.filter((query) => homologsOf(query).size > 0);
  return significant(withHomolog, rankings, (query) => {
    const homologs = homologsOf(query);
    return (target) => homologs.has(target);
  });
}

/** Measures the null distribution again, as index-bucket does. */
async function measureSampling(folder: string): Promise<{ dimension: number; cpuSeconds: number }> {
  const database = await Database.open(folder);
  const { rows, metric, dimension } = await database.requireEntry(BUCKET);
  const table = await database.tables.open(BUCKET);
  const before = process.cpuUsage();
  const sample = drawNullSample(rows);
  measureNulls(metric, dimension, await takeVectorsAt(table, sample.rows), await takeVectorsAt(table, sample.queries));
  const { user, system } = process.cpuUsage(before);
  table.close();
  return { dimension, cpuSeconds: (user + system) / 1e6 };
}

async function writePage(): Promise<void> {
  const saved = await readFile(join(ROOT, 'bench/results/significance.json'), 'utf8');
  const path = join(ROOT, 'docs/output.md');
  const tables = significanceTables(JSON.parse(saved) as SignificanceResult);
  await writeFile(path, insertTables(await readFile(path, 'utf8'), 'significance', tables));
}
