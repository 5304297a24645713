/**
 * A database after a year of weekly additions and deletions of 1% each, before and after `merge-buckets` and `compact`, against a fresh
 * build of the rows that are left: seconds of a search of all buckets, and its recall.
 *
 *   npm run bench -- weekly --rows 200000 --dimension 128 [--weeks 52] [--queries 2000] [--before] [--folder DIR]
 */
import { createReadStream, existsSync } from 'node:fs';
import { cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { columnFrom } from '../workers/src/base/bytes/utf8-column.ts';
import { seededRandom } from '../workers/src/base/random.ts';
import { Database } from '../workers/src/database/database.ts';
import { openShard } from '../workers/src/shard/shard-reader.ts';
import { createShard } from '../workers/src/shard/shard-writer.ts';
import { say, spread, withFolder } from './support/run.ts';
import { runHere } from './support/run-here.ts';
import { makeVectors } from './support/vectors.ts';

const K = 10;
const REPEATS = 5;
const STRATEGIES = ['exact', 'scan', 'ann'];

const { values } = parseArgs({
  options: {
    rows: { type: 'string', default: '200000' },
    dimension: { type: 'string', default: '128' },
    weeks: { type: 'string', default: '52' },
    queries: { type: 'string', default: '2000' },
    /** Also searches the database before upkeep, which takes minutes. */
    before: { type: 'boolean', default: false },
    folder: { type: 'string' },
  },
});

await withFolder(values.folder, async (folder) => {
  const [rows, weeks] = [Number(values.rows), Number(values.weeks)];
  const weekly = Math.floor(rows / 100);
  const [database, upkeep, fresh] = ['kept', 'upkept', 'fresh'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  const queries = await makeVectors(folder, 'q', values.queries, values.dimension, '2');
  const times = join(folder, 'times.json');
  // A named folder keeps the databases, so that they can be searched alone on the machine.
  if (!existsSync(times))
    await writeFile(times, JSON.stringify(await makeDatabases(folder, { database, upkeep, fresh })));
  const truth = await neighbours(folder, fresh, queries, 'exact');
  const results: Record<string, Record<string, unknown>> = {};
  const places = {
    ...(values.before ? { 'before upkeep': database } : {}),
    'after merge-buckets and compact': upkeep,
    'fresh build': fresh,
  };
  for (const [name, place] of Object.entries(places))
    results[name] = { buckets: (await (await Database.open(place)).entries()).length };
  for (const strategy of STRATEGIES) {
    const seconds = new Map(Object.keys(places).map((name) => [name, [] as number[]]));
    // The places take turns, because the first searches of a process are slower.
    for (let repeat = 0; repeat <= REPEATS; repeat++)
      for (const [name, place] of Object.entries(places)) {
        const found = await neighbours(folder, place, queries, strategy);
        if (repeat > 0) seconds.get(name)!.push(found.seconds);
        const recall = recallOf(found.targets, truth.targets);
        results[name]![strategy] = { seconds: spread(seconds.get(name)!), recall };
      }
    say(`${strategy}: ${JSON.stringify(results)}`);
  }
  const settings = {
    rows,
    dimension: Number(values.dimension),
    weeks,
    rowsPerWeek: weekly,
    queries: Number(values.queries),
  };
  process.stdout.write(
    `${JSON.stringify({ ...settings, k: K, ...JSON.parse(await readFile(times, 'utf8')), results }, null, 2)}\n`,
  );
});

interface Places {
  database: string;
  upkeep: string;
  fresh: string;
}

/** Makes the database of a year, its copy after upkeep, and a fresh build. @returns the seconds of the year and of the upkeep */
async function makeDatabases(folder: string, { database, upkeep, fresh }: Places) {
  const [rows, weeks] = [Number(values.rows), Number(values.weeks)];
  const weekly = Math.floor(rows / 100);
  const vectors = await readAll(await makeVectors(folder, 'p', `${rows + weeks * weekly}`, values.dimension, '1'));
  const live = Array.from({ length: rows }, (_, row) => row);
  await build(folder, database, vectors, live);
  const random = seededRandom(3);
  const startedMs = performance.now();
  for (let week = 0; week < weeks; week++) {
    const added = Array.from({ length: weekly }, (_, i) => rows + week * weekly + i);
    await build(folder, database, vectors, added);
    live.push(...added);
    const deleted = Array.from({ length: weekly }, () => live.splice(Math.floor(random() * live.length), 1)[0]!);
    const ids = join(folder, 'ids.txt');
    await writeFile(ids, deleted.map((row) => `p${row}`).join('\n'));
    await runHere('delete', '--database', database, '--ids', ids);
    if (week % 10 === 9) say(`week ${week + 1}`);
  }
  const yearSeconds = (performance.now() - startedMs) / 1000;
  await build(folder, fresh, vectors, live);
  await cp(database, upkeep, { recursive: true });
  const upkeepMs = performance.now();
  await runHere('merge-buckets', '--database', upkeep);
  await runHere('compact', '--database', upkeep);
  const upkeepSeconds = (performance.now() - upkeepMs) / 1000;
  return { yearSeconds, upkeepSeconds };
}

/** Adds rows to a database as one bucket. */
async function build(folder: string, database: string, all: Float32Array, rows: readonly number[]): Promise<void> {
  const dimension = Number(values.dimension);
  const shard = await createShard(join(folder, 'added.h5'), dimension);
  const vectors = new Float32Array(rows.length * dimension);
  for (const [i, row] of rows.entries())
    vectors.set(all.subarray(row * dimension, (row + 1) * dimension), i * dimension);
  shard.append(vectors, columnFrom(rows.map((row) => `p${row}`)));
  shard.finish({});
  const plan = join(folder, 'plan.json');
  await runHere('pack-buckets', '--input', join(folder, 'added.h5'), '--database', database, '--output', plan);
  const pending = await (await Database.open(database)).pending();
  for (const { bucket } of pending) {
    await runHere('ingest-bucket', '--plan', plan, '--bucket', bucket, '--database', database);
    await runHere('index-bucket', '--bucket', bucket, '--database', database);
  }
}

/** Searches all buckets and merges their hits. @returns the seconds of both, and the targets of each query */
async function neighbours(folder: string, database: string, queries: string, strategy: string) {
  const entries = await (await Database.open(database)).entries();
  const hits: string[] = [];
  const startedMs = performance.now();
  for (const { bucket } of entries) {
    const output = join(folder, `${bucket}.parquet`);
    const search = ['--queries', queries, '--k', `${K}`, '--search', strategy, '--output', output];
    await runHere('search-bucket', '--bucket', bucket, '--database', database, ...search);
    hits.push(output);
  }
  const csv = join(folder, 'neighbours.csv');
  const outputs = ['--output', join(folder, 'neighbours.parquet'), '--csv', csv];
  await runHere('merge-hits', '--input', ...hits, '--k', `${K}`, ...outputs);
  const seconds = (performance.now() - startedMs) / 1000;
  const targets = new Set<string>();
  for await (const line of createInterface({ input: createReadStream(csv) })) {
    const [query, , target] = line.split(',');
    targets.add(`${query} ${target}`);
  }
  return { seconds, targets };
}

function recallOf(found: ReadonlySet<string>, truth: ReadonlySet<string>): number {
  return [...truth].filter((pair) => found.has(pair)).length / truth.size;
}

async function readAll(path: string): Promise<Float32Array> {
  const shard = await openShard(path);
  const { vectors } = await shard.readRows(0, shard.rows, new ArrayBuffer(shard.rows * shard.dimension * 4));
  shard.close();
  return new Float32Array(vectors);
}
