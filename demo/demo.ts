// npm run demo: makes proteins, runs the pipeline on them as a user would, and shows the results.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rm } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DEMO_SETTINGS } from './families.ts';
import { writeProteins } from './proteins.ts';
import { parseMemberships, scoreBands } from './score.ts';
import { type Neighbour, showBands, showNeighbours, showTimes } from './summary.ts';
import { stageTimes } from './trace.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const FOLDER = join(ROOT, 'demo-results');
const DATABASE = join(FOLDER, 'database');
const RESULTS = join(FOLDER, 'results');
const K = 10;
/** 20,000 proteins make three buckets. */
const BUCKET_SIZE = 7000;
/** A query close to its family, and a distant one. */
const SHOWN_QUERIES = ['Q0010', 'Q0001'];

const say = (text: string) => process.stdout.write(`${text}\n`);
const shown = (path: string) => relative(process.cwd(), path) || '.';

async function main(): Promise<number> {
  const { proteins, queries, familyTable, made } = await writeProteins(join(FOLDER, 'data'), DEMO_SETTINGS);
  say(`${made ? 'Made' : 'Found'} ${DEMO_SETTINGS.proteins} proteins in ${shown(proteins)}`);
  // A database of other proteins would mix with these.
  if (made)
    for (const path of [DATABASE, RESULTS, join(FOLDER, 'work')]) await rm(path, { recursive: true, force: true });

  const startedMs = performance.now();
  const code = await runPipeline(['--input', proteins, '--queries', queries]);
  const seconds = (performance.now() - startedMs) / 1000;
  if (code !== 0) {
    process.stderr.write('\nThe pipeline stopped (see above). Run the demo again to continue.\n');
    return code;
  }
  await showResults(familyTable, seconds);
  say(`
Files
  proteins     ${shown(proteins)}
  queries      ${shown(queries)}
  families     ${shown(familyTable)}
  database     ${shown(DATABASE)}   (LanceDB: any LanceDB client opens it)
  neighbours   ${shown(join(RESULTS, 'neighbours.csv'))}, neighbours.parquet
  report       ${shown(join(RESULTS, 'report.html'))}; Nextflow's own in ${shown(join(RESULTS, 'pipeline_info'))}`);
  return 0;
}

/** Runs the pipeline; its output goes to this terminal. */
function runPipeline(inputs: readonly string[]): Promise<number> {
  const args = ['run', join(ROOT, 'main.nf'), ...inputs, '--model', 'kmer', '--database', DATABASE];
  args.push('--bucket_size', String(BUCKET_SIZE), '--k', String(K), '--outdir', RESULTS);
  // A second demo runs only missing tasks.
  if (existsSync(join(FOLDER, '.nextflow')) && existsSync(DATABASE)) args.push('-resume');
  say(`\n${shown(join(ROOT, 'bin/nextflow'))} ${args.map(shownArgument).join(' ')}\n`);
  return new Promise((resolve, reject) => {
    const child = spawn(join(ROOT, 'bin/nextflow'), args, { cwd: FOLDER, stdio: 'inherit' });
    // A terminal sends Ctrl-C to both: Nextflow ends its tasks first, and then this process ends.
    process.on('SIGINT', () => {});
    process.on('SIGTERM', () => child.kill('SIGTERM'));
    child.on('error', reject);
    child.on('close', (code) => resolve(code ?? 1));
  });
}

function shownArgument(argument: string): string {
  return argument.startsWith('/') ? shown(argument) : argument;
}

async function showResults(familyTable: string, seconds: number): Promise<void> {
  const memberships = parseMemberships(await readFile(familyTable, 'utf8'));
  const neighbours = parseNeighbours(await readFile(join(RESULTS, 'neighbours.csv'), 'utf8'));
  const targets = new Map([...neighbours].map(([query, found]) => [query, found.map(({ target }) => target)]));
  const trace = await readFile(join(RESULTS, 'pipeline_info/execution_trace.txt'), 'utf8');
  for (const query of SHOWN_QUERIES) say(`\n${showNeighbours(query, neighbours.get(query) ?? [], memberships)}`);
  say(`\n${showBands(scoreBands(targets, memberships, K), K)}`);
  say(`\n${showTimes(stageTimes(trace), seconds)}`);
}

/** Parses the neighbours of each query, the nearest first. The demo's ids have no quotes in CSV. */
function parseNeighbours(csv: string): Map<string, Neighbour[]> {
  const neighbours = new Map<string, Neighbour[]>();
  for (const row of csv.trimEnd().split(/\r?\n/).slice(1)) {
    const [query = '', , target = '', distance] = row.split(',');
    const found = neighbours.get(query) ?? [];
    neighbours.set(query, found);
    found.push({ target, distance: Number(distance) });
  }
  return neighbours;
}

await mkdir(FOLDER, { recursive: true });
process.exitCode = await main();
