/**
 * Makes the labels of `npm run bench -- proteins` again, in bench/proteins/labels/, with Debian's mmseqs2 and hmmer:
 *
 *   node bench/proteins/make-labels.ts [--prokka DIR] [--hmmer DIR] [--mmseqs2 DIR]
 *
 * - uniprot-best.tsv: the best homolog of each query by `mmseqs easy-search -s 7.5`, with an E-value of at most 0.001; all of those with
 *   the highest score.
 * - background-excluded.txt: proteins of DB.fasta.gz that the profile of a family (hmmbuild, hmmsearch) finds with an E-value of at most 10.
 * - sources.sha256: the files of sequences, decompressed.
 *
 * EC numbers and gene names are in the headers of prokka's databases.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { capture, say, withFolder } from '../support/run.ts';
import { BEST_FILE, type BestHomolog, type BestHomologs, EXCLUDED_FILE, formatBest, SOURCES_FILE } from './labels.ts';
import { formatFasta, type Protein } from './sequences.ts';
import { DEBIAN, FAMILIES, SOURCES, Sources } from './sources.ts';

const { values } = parseArgs({
  options: {
    mmseqs2: { type: 'string', default: DEBIAN.mmseqs2 },
    hmmer: { type: 'string', default: DEBIAN.hmmer },
    prokka: { type: 'string', default: DEBIAN.prokka },
    folder: { type: 'string' },
  },
});

await withFolder(values.folder, async (folder) => {
  await mkdir(folder, { recursive: true });
  const sources = Sources.unchecked(values);
  const queries = await sources.read('mmseqs2', 'QUERY.fasta.gz');
  const targets = join(folder, 'targets.fasta');
  await writeFile(targets, formatFasta(await sources.read('mmseqs2', 'DB.fasta.gz')));
  await writeFile(BEST_FILE, formatBest(await findBest(queries, targets, folder)));
  await writeFile(EXCLUDED_FILE, (await findExcluded(sources, targets, folder)).map((id) => `${id}\n`).join(''));
  const hashes = SOURCES.map(
    async ([from, name]) => `${(await sources.readChecked(from, name)).sha256}  ${from}/${name}\n`,
  );
  await writeFile(SOURCES_FILE, (await Promise.all(hashes)).join(''));
});

async function findBest(queries: readonly Protein[], targets: string, folder: string): Promise<BestHomologs> {
  say('mmseqs easy-search -s 7.5');
  const [input, table] = [join(folder, 'queries.fasta'), join(folder, 'best.tsv')];
  await writeFile(input, formatFasta(queries));
  const columns = ['--format-output', 'query,target,raw,fident,qcov,tcov'];
  const sensitive = ['-s', '7.5', '-e', '0.001', '--max-seqs', '20000'];
  await capture('mmseqs', ['easy-search', input, targets, table, join(folder, 'tmp'), ...sensitive, ...columns]);
  const best = new Map<string, BestHomolog & { raw: number }>();
  for (const line of (await readFile(table, 'utf8')).trim().split('\n')) {
    const [query = '', target = '', ...numbers] = line.split('\t');
    if (query === target) continue;
    const [raw, identity, queryCoverage, targetCoverage] = numbers.map(Number) as [number, number, number, number];
    const known = best.get(query);
    if (known?.raw === raw) known.targets.push(target);
    if (known !== undefined && known.raw >= raw) continue;
    best.set(query, { targets: [target], identity, coverage: Math.min(queryCoverage, targetCoverage), raw });
  }
  return new Map(queries.map(({ id }) => [id, best.get(id)]));
}

async function findExcluded(sources: Sources, targets: string, folder: string): Promise<string[]> {
  const found = new Set<string>();
  for (const [family, { profile: alignment }] of Object.entries(FAMILIES)) {
    say(`hmmsearch ${family}`);
    const [seed, profile, table] = ['seed', 'hmm', 'tbl'].map((end) => join(folder, `${family}.${end}`)) as [
      string,
      string,
      string,
    ];
    await writeFile(seed, (await sources.readChecked('hmmer', alignment)).text);
    await capture('hmmbuild', ['--amino', profile, seed]);
    await capture('hmmsearch', ['--noali', '-E', '10', '--tblout', table, profile, targets]);
    for (const line of (await readFile(table, 'utf8')).split('\n'))
      if (line !== '' && !line.startsWith('#')) found.add(line.split(/\s+/)[0]!);
  }
  return [...found].sort();
}
