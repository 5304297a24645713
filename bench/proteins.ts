/**
 * What a distance of `--model kmer` says about real proteins: the nearest neighbours of UniProt queries, by whether MMseqs2 finds
 * the pair significant. The files and MMseqs2 are those of Debian (`apt-get install mmseqs2 mmseqs2-examples`):
 *
 *   npm run bench -- proteins [--queries QUERY.fasta.gz] [--targets DB.fasta.gz] [--evalue 0.001] [--folder DIR] [--save]
 *   npm run bench -- proteins --page       rewrites the tables of docs/tutorial.md from bench/results/proteins.json
 *
 * A pair of one protein with itself does not count. Prints one JSON object.
 */
import { createReadStream } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { type ProteinsResult, proteinsTables } from './proteins/distances-page.ts';
import { BUCKET, buildTable } from './support/build-table.ts';
import { insertTables } from './support/markdown.ts';
import { capture, LANCEFLOW, measure, ROOT, say, withFolder } from './support/run.ts';

const EXAMPLES = '/usr/share/doc/mmseqs2/example-data';
/** Number of nearest neighbours in the table of distances, and among which the best homolog is looked for. */
const [NEAREST, CANDIDATES] = [10, 300];
const LIMITS = [0, 0.4, 0.6, 0.7, 0.8, 2];

/** A query's targets, best first. */
type Ranked = Map<string, Array<{ target: string; value: number }>>;

async function main() {
  const { values } = parseArgs({
    options: {
      queries: { type: 'string', default: join(EXAMPLES, 'QUERY.fasta.gz') },
      targets: { type: 'string', default: join(EXAMPLES, 'DB.fasta.gz') },
      evalue: { type: 'string', default: '0.001' },
      page: { type: 'boolean', default: false },
      folder: { type: 'string' },
    },
  });
  if (values.page) {
    const path = join(ROOT, 'docs/tutorial.md');
    const result = JSON.parse(await readFile(join(ROOT, 'bench/results/proteins.json'), 'utf8')) as ProteinsResult;
    await writeFile(path, insertTables(await readFile(path, 'utf8'), 'proteins', proteinsTables(result)));
    return;
  }
  await withFolder(values.folder, async (folder) => {
    await mkdir(folder, { recursive: true });
    say('mmseqs easy-search -s 7.5');
    const aligned = join(folder, 'aligned.tsv');
    const sensitive = ['-s', '7.5', '-e', values.evalue, '--max-seqs', '20000', '--format-output', 'query,target,bits'];
    await capture('mmseqs', [
      'easy-search',
      values.queries,
      values.targets,
      aligned,
      join(folder, 'tmp'),
      ...sensitive,
    ]);
    const nearest = await search(values.queries, values.targets, folder);
    const homologs = await read(aligned, '\t', ([query = '', target = '', bits]) => [query, target, -Number(bits)]);
    for (const targets of homologs.values()) targets.sort((a, b) => a.value - b.value);
    console.log(JSON.stringify({ evalue: Number(values.evalue), ...compare(nearest, homologs) }, null, 2));
  });
}

/** Searches the targets exactly. @returns the candidates of each query */
async function search(queries: string, targets: string, folder: string): Promise<Ranked> {
  const shards = { queries: join(folder, 'queries.h5'), targets: join(folder, 'targets.h5') };
  for (const [input, output] of [
    [queries, shards.queries],
    [targets, shards.targets],
  ] as const) {
    say(`embed ${input}`);
    await rm(output, { force: true });
    await measure(LANCEFLOW, ['embed-sequences', '--model', 'kmer', '--input', input, '--output', output, '--json']);
  }
  const database = join(folder, 'database');
  await buildTable(shards.targets, database, { ingest: [], index: [] });
  const [hits, neighbours] = [join(folder, 'hits.parquet'), join(folder, 'neighbours')];
  const table = ['--bucket', BUCKET, '--database', database, '--queries', shards.queries];
  // One more than the candidates: a protein that is its own nearest neighbour is dropped.
  const k = ['--k', `${CANDIDATES + 1}`, '--json'];
  await measure(LANCEFLOW, ['search-bucket', ...table, '--search', 'exact', ...k, '--output', hits]);
  const files = ['--output', `${neighbours}.parquet`, '--csv', `${neighbours}.csv`];
  await measure(LANCEFLOW, ['merge-hits', '--input', hits, ...k, ...files]);
  return read(`${neighbours}.csv`, ',', ([query = '', , target = '', distance]) => [query, target, Number(distance)]);
}

async function read(
  path: string,
  separator: string,
  parse: (fields: string[]) => [query: string, target: string, value: number],
): Promise<Ranked> {
  const ranked: Ranked = new Map();
  for await (const line of createInterface({ input: createReadStream(path) })) {
    const [query, target, value] = parse(line.split(separator));
    if (!Number.isFinite(value) || accessionOf(query) === accessionOf(target)) continue;
    const targets = ranked.get(accessionOf(query)) ?? [];
    targets.push({ target: accessionOf(target), value });
    ranked.set(accessionOf(query), targets);
  }
  return ranked;
}

/** Returns the accession of a UniProt id, `tr|A7TBS3|A7TBS3_NEMVE`, which MMseqs2 writes alone. */
const accessionOf = (id: string) => id.split('|')[1] ?? id;

/** @param homologs the significant targets of each query, the highest bit score first */
function compare(nearest: Ranked, homologs: Ranked): ProteinsResult {
  const byDistance = LIMITS.slice(1).map((to, i) => ({ from: LIMITS[i]!, to, pairs: 0, significant: 0 }));
  const found = { first: 0, bestFirst: 0, bestAmongCandidates: 0 };
  for (const [query, targets] of nearest) {
    const significant = new Set(homologs.get(query)?.map(({ target }) => target));
    for (const { target, value } of targets.slice(0, NEAREST)) {
      const row = byDistance.find(({ to }) => value < to)!;
      row.pairs++;
      if (significant.has(target)) row.significant++;
    }
    const [best] = homologs.get(query) ?? [];
    if (best === undefined) continue;
    if (significant.has(targets[0]!.target)) found.first++;
    if (targets[0]!.target === best.target) found.bestFirst++;
    if (targets.slice(0, CANDIDATES).some(({ target }) => target === best.target)) found.bestAmongCandidates++;
  }
  return {
    ...{ queries: nearest.size, queriesWithHomolog: homologs.size, ...found, candidates: CANDIDATES },
    distances: byDistance,
  };
}

await main();
