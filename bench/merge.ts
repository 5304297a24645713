/**
 * Merging hits against DuckDB's SQL (a window over all hits), on the same files and threads:
 *
 *   node bench/merge.ts --buckets 20 --queries 100000 --k 100 --repeats 3 [--folder DIR] [--memory 1GB]
 *
 * The two alternate, so that whatever else the machine does hits both. Prints one JSON object.
 */
import { spawn } from 'node:child_process';
import { mkdir, rename, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { seededRandom } from '../workers/src/core/random.ts';
import type { Utf8Column } from '../workers/src/core/utf8-column.ts';
import { createHits } from '../workers/src/io/parquet/hits-writer.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const PYTHON = join(ROOT, '.tools/python/bin/python');
/** Queries of one batch of the generator. */
const BATCH_QUERIES = 200;

const DUCKDB = `
import sys, json, time, resource, duckdb
folder, k, threads, memory, output = sys.argv[1:]
c = duckdb.connect()
c.execute(f"set enable_progress_bar=false; set threads={threads}; set temp_directory='{folder}/duckdb.tmp'; set preserve_insertion_order=false")
if memory: c.execute(f"set memory_limit='{memory}'")
start = time.time()
c.execute(f"""copy (select query_id, cast(row_number() over w as integer) as rank, target_id, distance, bucket
  from '{folder}/hits_*.parquet' window w as (partition by query_id order by distance, target_id, bucket)
  qualify row_number() over w <= {k} order by query_id, rank) to '{output}' (format parquet, compression zstd)""")
print(json.dumps({"seconds": time.time() - start,
  "peakMemoryBytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}))`;

const SAME = `
import sys, json, duckdb
ours, theirs = sys.argv[1:]
duckdb.sql("set enable_progress_bar=false")
count = lambda a, b: duckdb.sql(f"select count(*) from (from '{a}' except all from '{b}')").fetchall()[0][0]
print(json.dumps(count(ours, theirs) + count(theirs, ours) == 0))`;

interface Measured {
  seconds: number;
  peakMemoryBytes: number;
}

async function main() {
  const { values } = parseArgs({
    options: {
      buckets: { type: 'string', default: '20' },
      queries: { type: 'string', default: '2000' },
      k: { type: 'string', default: '100' },
      repeats: { type: 'string', default: '3' },
      threads: { type: 'string', default: '2' },
      memory: { type: 'string', default: '' },
      folder: { type: 'string' },
    },
  });
  const [buckets, queries, k, repeats] = [values.buckets, values.queries, values.k, values.repeats].map(Number) as [
    number,
    number,
    number,
    number,
  ];
  const folder = values.folder ?? join(tmpdir(), `lanceflow-bench-merge-${process.pid}`);
  await mkdir(folder, { recursive: true });
  try {
    const inputs = await makeHits(folder, buckets, queries, k);
    const ours = join(folder, 'ours.parquet');
    const theirs = join(folder, 'theirs.parquet');
    const runs: { lanceflow: Measured; duckdb: Measured }[] = [];
    for (let repeat = 0; repeat < repeats; repeat++) {
      const lanceflow = await run(join(ROOT, 'bin/lanceflow'), [
        ...['merge-hits', '--json', '--k', `${k}`, '--threads', values.threads, '--output', ours],
        ...['--input', ...inputs],
      ]);
      const duckdb = await run(PYTHON, [...['-c', DUCKDB, folder, `${k}`, values.threads, values.memory, theirs]]);
      runs.push({ lanceflow, duckdb } as (typeof runs)[number]);
      process.stderr.write(`${JSON.stringify(runs.at(-1))}\n`);
    }
    const same = repeats > 0 ? await run(PYTHON, ['-c', SAME, ours, theirs]) : undefined;
    console.log(JSON.stringify({ buckets, queries, k, hits: buckets * queries * k, same, ...summary(runs) }, null, 2));
  } finally {
    if (values.folder === undefined) await rm(folder, { recursive: true, force: true });
  }
}

function summary(runs: readonly { lanceflow: Measured; duckdb: Measured }[]) {
  const ratios = runs.map(({ lanceflow, duckdb }) => duckdb.seconds / lanceflow.seconds).sort((a, b) => a - b);
  const best = (name: 'lanceflow' | 'duckdb') => ({
    secondsMin: Math.min(...runs.map((one) => one[name].seconds)),
    peakMemoryMB: Math.round(Math.max(...runs.map((one) => one[name].peakMemoryBytes)) / 1e6),
  });
  return {
    lanceflow: best('lanceflow'),
    duckdb: best('duckdb'),
    timesFaster: { min: ratios[0], median: ratios[ratios.length >> 1], max: ratios.at(-1) },
  };
}

/** Hits of made-up campaigns, written as search-bucket writes them; files that are there are used again. */
async function makeHits(folder: string, buckets: number, queries: number, k: number): Promise<string[]> {
  const paths: string[] = [];
  for (let bucket = 1; bucket <= buckets; bucket++) {
    const name = `bucket_${String(bucket).padStart(5, '0')}`;
    const path = join(folder, `hits_${name}_${queries}_${k}.parquet`);
    paths.push(path);
    if (await stat(path).catch(() => undefined)) continue;
    const writer = await createHits(`${path}.tmp`, { 'lanceflow.bucket': name });
    const random = seededRandom(bucket);
    for (let first = 0; first < queries; first += BATCH_QUERIES) {
      const count = Math.min(BATCH_QUERIES, queries - first);
      const rows = count * k;
      const distances = new Float32Array(rows);
      for (let row = 0; row < rows; row++)
        distances[row] = (row % k === 0 ? 0.01 : distances[row - 1]!) + 1e-5 + 0.01 * random();
      await writer.append({
        queryIds: numbered('query_', rows, (row) => first + Math.floor(row / k)),
        targetIds: numbered('UniRef50_A0A', rows, () => Math.floor(random() * 999_999_999)),
        distances,
        bucket: name,
      });
    }
    await writer.finish();
    await rename(`${path}.tmp`, path);
  }
  return paths;
}

/** Ids of a prefix and nine digits. */
function numbered(prefix: string, rows: number, numberOf: (row: number) => number): Utf8Column {
  const width = prefix.length + 9;
  const bytes = new Uint8Array(rows * width);
  const start = Buffer.from(prefix);
  for (let row = 0; row < rows; row++) {
    bytes.set(start, row * width);
    let number = numberOf(row);
    for (let at = width - 1; at >= prefix.length; at--) {
      bytes[row * width + at] = 48 + (number % 10);
      number = Math.floor(number / 10);
    }
  }
  return { offsets: Int32Array.from({ length: rows + 1 }, (_, row) => row * width), bytes };
}

/** Runs a program that prints JSON. */
function run(program: string, args: readonly string[]): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    let text = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
    });
    child.on('error', reject);
    child.on('close', (code) => (code === 0 ? resolve(JSON.parse(text)) : reject(new Error(`${program}: ${code}`))));
  });
}

await main();
