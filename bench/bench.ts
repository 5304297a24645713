/**
 * The comparisons: `npm run bench -- <name> [options]`. Each prints one JSON object on standard output, progress on
 * standard error. With `--save`, the result is also written to bench/results/ with the command that made it.
 */
import { spawn } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { availableParallelism, cpus, totalmem } from 'node:os';
import { fileURLToPath } from 'node:url';
import { searchPage, searchPlot } from './search/page.ts';
import { joinPieces, type Saved } from './search/result.ts';
import { savedCommand } from './support/saved-command.ts';

const BENCHMARKS: Record<string, string> = {
  build: 'ingest and index a bucket: the article, good Python, FAISS, LanceFlow',
  'build-on-s3': 'ingest and index a bucket on S3, against the same in a folder and the transfer alone',
  search: 'search campaigns: LanceDB, FAISS, LanceFlow',
  filter: 'searches with --where, by the share of the rows that it selects (docs/benchmarks.md)',
  ingest: 'ingest against the rates of the disk',
  refine: 'reads of a LanceDB query with and without partition order',
  scale: 'rates at three sizes, and estimates for billions (docs/scale.md)',
  growth: 'pack-buckets and catalog with 100,000 shards and 10,000 buckets (docs/scale.md)',
  threads: 'CPU time of every stage by thread (docs/benchmarks.md)',
  merge: 'merging hits: DuckDB, LanceFlow',
  s3: 'a table to S3 and back: the AWS CLI, the SDK, curl, LanceFlow',
  ask: 'questions in place on S3: the article on Python LanceDB, LanceFlow',
  composition: 'scores of random sequences of unusual composition, for the E-values of alignments',
  align: 'local alignment on one core: parasail, LanceFlow',
  checksum: 'CRC-64/NVME, CRC-32, SHA-256',
  embed: 'embedding: PyTorch, LanceFlow',
  plan: 'plans of five unlike runs beside what they took (docs/planning.md)',
  weekly: 'a database after a year of weekly additions and deletions, against a fresh build (docs/upkeep.md)',
  significance: 'E-values of real proteins, related and unrelated ones (docs/output.md)',
  proteins: 'real proteins whose answers are known: MMseqs2, DIAMOND, LanceFlow (docs/protein-benchmark.md)',
};

const [name = '', ...rest] = process.argv.slice(2);
if (!Object.hasOwn(BENCHMARKS, name)) {
  const list = Object.entries(BENCHMARKS).map(([key, what]) => `  ${key.padEnd(13)}${what}`);
  process.stderr.write(`Usage: npm run bench -- <name> [options] [--save]\n\n${list.join('\n')}\n`);
  process.exit(64);
}
const options = rest.filter((option) => option !== '--save');
const script = fileURLToPath(new URL(`${name}.ts`, import.meta.url));
/** Scripts, with their arguments, that write tables of a page from the saved result. */
const PAGES: Record<string, string[]> = {
  scale: ['scale.ts', '--page'],
  threads: ['threads.ts', '--page'],
  proteins: ['proteins.ts', '--page'],
  significance: ['significance.ts', '--page'],
  ask: ['in-place/cost-page.ts'],
  plan: ['plan.ts', '--page'],
};
const child = spawn(process.execPath, [script, ...options], { stdio: ['ignore', 'pipe', 'inherit'] });
let output = '';
child.stdout.setEncoding('utf8').on('data', (text: string) => {
  output += text;
  process.stdout.write(text);
});
child.on('close', async (code) => {
  if (code === 0 && rest.includes('--save')) {
    const command = savedCommand(name, options);
    const machine = `${cpus()[0]?.model}, ${availableParallelism()} cores, ${Math.round(totalmem() / 2 ** 30)} GiB`;
    const made = { machine, node: process.version, date: new Date().toISOString().slice(0, 10), ...JSON.parse(output) };
    if (name === 'proteins' || name === 'significance')
      await saveTasks(name, { command, machine, date: made.date }, JSON.parse(output));
    else if (name === 'search') await saveSearch({ commands: [command], ...made });
    // One result a size of the table, or a place of the server.
    else if (name === 'build-on-s3') await save(made.serverApart ? `${name}-apart` : name, { command, ...made });
    else if (name === 'ask' && made['vector-type'] === 'float16') await save('ask-float16', { command, ...made });
    else await save(name === 'build' ? `build-${made.rows}` : name, { command, ...made });
    const [page, ...args] = PAGES[name] ?? [];
    if (page) spawn(process.execPath, [fileURLToPath(new URL(page, import.meta.url)), ...args], { stdio: 'inherit' });
  }
  process.exitCode = code ?? 1;
});

async function save(file: string, result: object): Promise<void> {
  await mkdir(new URL('results/', import.meta.url), { recursive: true });
  await writeFile(new URL(`results/${file}.json`, import.meta.url), `${JSON.stringify(result, null, 2)}\n`);
}

/** Replaces the saved results of the tasks, or models, that were measured. */
async function saveTasks(name: string, made: object, tasks: Record<string, object>): Promise<void> {
  const text = await readFile(new URL(`results/${name}.json`, import.meta.url), 'utf8').catch(() => '{}');
  const measured = Object.entries(tasks).map(([task, result]) => [task, { ...made, ...result }]);
  await save(name, { ...JSON.parse(text), ...Object.fromEntries(measured) });
}

/** Adds the measurements of one command to the saved ones, and writes the pages in docs/ from all of them. */
async function saveSearch(piece: Saved): Promise<void> {
  const text = await readFile(new URL('results/search.json', import.meta.url), 'utf8').catch(() => undefined);
  const saved = joinPieces(text === undefined ? undefined : JSON.parse(text), piece);
  await save(name, saved);
  await writeFile(new URL('../docs/search-benchmark.md', import.meta.url), searchPage(saved));
  await writeFile(new URL('../docs/search-benchmark.svg', import.meta.url), searchPlot(saved));
}
