/**
 * Merging hits against DuckDB's SQL (a window over all hits), on the same files and threads:
 *
 *   npm run bench -- merge [--buckets 20] [--queries 100000] [--k 100] [--repeats 1] [--folder DIR] [--memory 6GB] [--save]
 *
 * The defaults are 200 million hits, 2 GB of files. The two alternate, so that other load on the machine affects both. With
 * --folder, the files are kept for the next run. Prints one JSON object.
 */
import { existsSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { Utf8Column } from '../workers/src/base/bytes/utf8-column.ts';
import { seededRandom } from '../workers/src/base/random.ts';
import { createHits } from '../workers/src/hits/parquet/hits-writer.ts';
import { capture, LANCEFLOW, PYTHON, say, spread, withFolder } from './support/run.ts';

/** Number of queries in one batch of the generator. */
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

/** Compares the rows of both, in any order, in little memory. */
const SAME = `
import sys, json, duckdb
duckdb.sql("set enable_progress_bar=false")
def digest(path):
    row = "hash(query_id, rank, target_id, distance, bucket)"
    return duckdb.sql(f"select count(*), sum({row}::hugeint), bit_xor({row}) from '{path}'").fetchall()[0]
ours, theirs = sys.argv[1:]
print(json.dumps(digest(ours) == digest(theirs)))`;

interface Measured {
  seconds: number;
  peakMemoryBytes: number;
}

async function main() {
  const { values } = parseArgs({
    options: {
      buckets: { type: 'string', default: '20' },
      queries: { type: 'string', default: '100000' },
      k: { type: 'string', default: '100' },
      repeats: { type: 'string', default: '1' },
      threads: { type: 'string', default: '2' },
      memory: { type: 'string', default: '6GB' },
      folder: { type: 'string' },
      make: { type: 'string' },
    },
  });
  const [buckets, queries, k, repeats] = [values.buckets, values.queries, values.k, values.repeats].map(Number) as [
    number,
    number,
    number,
    number,
  ];
  // One process for each file, started below.
  if (values.make !== undefined) return makeFile(values.make, Number(values.buckets), queries, k);
  await withFolder(values.folder, async (parent) => {
    const folder = join(parent, `merge-${buckets}-${queries}-${k}`);
    await mkdir(folder, { recursive: true });
    const inputs = await makeHits(folder, buckets, queries, k, Number(values.threads));
    const ours = join(folder, 'ours.parquet');
    const theirs = join(folder, 'theirs.parquet');
    const runs: { lanceflow: Measured; duckdb: Measured }[] = [];
    for (let repeat = 0; repeat < repeats; repeat++) {
      const lanceflow = await run(LANCEFLOW, [
        ...['merge-hits', '--json', '--k', `${k}`, '--threads', values.threads, '--output', ours],
        ...['--input', ...inputs],
      ]);
      const duckdb = await run(PYTHON, [...['-c', DUCKDB, folder, `${k}`, values.threads, values.memory, theirs]]);
      runs.push({ lanceflow, duckdb } as (typeof runs)[number]);
      say(JSON.stringify(runs.at(-1)));
    }
    const same = repeats > 0 ? await run(PYTHON, ['-c', SAME, ours, theirs]) : undefined;
    console.log(JSON.stringify({ buckets, queries, k, hits: buckets * queries * k, same, ...summary(runs) }, null, 2));
    await Promise.all([ours, theirs].map((path) => rm(path, { force: true })));
  });
}

function summary(runs: readonly { lanceflow: Measured; duckdb: Measured }[]) {
  const best = (name: 'lanceflow' | 'duckdb') => ({
    secondsMin: Math.min(...runs.map((one) => one[name].seconds)),
    peakMemoryMB: Math.round(Math.max(...runs.map((one) => one[name].peakMemoryBytes)) / 1e6),
  });
  return {
    lanceflow: best('lanceflow'),
    duckdb: best('duckdb'),
    timesFaster: spread(runs.map(({ lanceflow, duckdb }) => duckdb.seconds / lanceflow.seconds)),
  };
}

/** Writes artificial hits as search-bucket does. Existing files are used again. */
async function makeHits(folder: string, buckets: number, queries: number, k: number, threads: number) {
  const paths = Array.from({ length: buckets }, (_, i) => join(folder, `hits_${bucketName(i + 1)}.parquet`));
  const missing = paths.map((path, i) => ({ path, bucket: i + 1 })).filter(({ path }) => !existsSync(path));
  if (missing.length > 0) say(`making ${missing.length} files of hits`);
  const work = async () => {
    for (let next = missing.shift(); next; next = missing.shift()) {
      const shape = ['--queries', `${queries}`, '--k', `${k}`, '--buckets', `${next.bucket}`];
      await capture(process.execPath, [fileURLToPath(import.meta.url), '--make', next.path, ...shape]);
    }
  };
  await Promise.all(Array.from({ length: threads }, work));
  return paths;
}

const bucketName = (bucket: number) => `bucket_${String(bucket).padStart(5, '0')}`;

async function makeFile(path: string, bucket: number, queries: number, k: number): Promise<void> {
  const name = bucketName(bucket);
  const writer = await createHits(`${path}.tmp`, { 'lanceflow.bucket': name });
  const random = seededRandom(bucket);
  for (let first = 0; first < queries; first += BATCH_QUERIES) {
    const rows = Math.min(BATCH_QUERIES, queries - first) * k;
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

/** Returns ids of a prefix and nine digits. */
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

/** Runs a program that prints JSON, and parses it. */
async function run(program: string, args: readonly string[]): Promise<unknown> {
  return JSON.parse(await capture(program, args));
}

await main();
