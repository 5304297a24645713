/**
 * Searches with --where, from half of the rows down to one of 100,000, by each strategy, beside the same searches without it.
 *
 *   npm run bench -- filter --rows 2000000 --dimension 64 [--queries 1000] [--repeats 3] [--folder DIR]
 */
import { createReadStream, existsSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { capture, PYTHON, say, spread, withFolder } from './support/run.ts';
import { runHere } from './support/run-here.ts';
import { makeVectors } from './support/vectors.ts';

const K = 10;
const STRATEGIES = ['exact', 'scan', 'ann', 'auto'];
/** Of 100,000 rows, those that a condition selects. */
const SELECTED = [50_000, 10_000, 1000, 100, 10, 1];
/** Adds a column of numbers below 100,000 in random order. */
const ADD_COLUMN = `
import sys, h5py, numpy as np
with h5py.File(sys.argv[1], 'a') as file:
    rows = len(file['id'])
    if 'number' not in file: file['number'] = np.random.default_rng(7).permutation(rows) % 100_000`;

const { values } = parseArgs({
  options: {
    rows: { type: 'string', default: '2000000' },
    dimension: { type: 'string', default: '64' },
    queries: { type: 'string', default: '1000' },
    repeats: { type: 'string', default: '3' },
    folder: { type: 'string' },
  },
});

await withFolder(values.folder, async (folder) => {
  const shard = await makeVectors(folder, 'p', values.rows, values.dimension, '1');
  const queries = await makeVectors(folder, 'q', values.queries, values.dimension, '2');
  const database = join(folder, 'db');
  if (!existsSync(join(database, '_catalog/bucket_00001.json'))) await build(folder, shard, database);
  const results: Array<Record<string, unknown>> = [];
  for (const selected of [undefined, ...SELECTED]) {
    const where = selected === undefined ? [] : ['--where', `number < ${selected}`];
    const seconds = new Map(STRATEGIES.map((strategy) => [strategy, [] as number[]]));
    const found = new Map<string, Set<string>>();
    // The strategies take turns; the first searches of a process are slower, and not counted.
    for (let repeat = 0; repeat <= Number(values.repeats); repeat++)
      for (const strategy of STRATEGIES) {
        const csv = join(folder, 'neighbours.csv');
        const hits = join(folder, 'hits.parquet');
        const startedMs = performance.now();
        const places = ['--bucket', 'bucket_00001', '--database', database, '--queries', queries, '--output', hits];
        await runHere('search-bucket', ...places, '--k', `${K}`, '--search', strategy, ...where);
        if (repeat > 0) seconds.get(strategy)!.push((performance.now() - startedMs) / 1000);
        if (repeat > 0) continue;
        await runHere(
          'merge-hits',
          '--input',
          hits,
          '--k',
          `${K}`,
          '--output',
          join(folder, 'n.parquet'),
          '--csv',
          csv,
        );
        found.set(strategy, await pairsOf(csv));
      }
    const truth = found.get('exact')!;
    const recallOf = (pairs: ReadonlySet<string>) => [...truth].filter((pair) => pairs.has(pair)).length / truth.size;
    const strategies = STRATEGIES.map((strategy) => ({
      strategy,
      seconds: spread(seconds.get(strategy)!),
      recall: recallOf(found.get(strategy)!),
    }));
    const result = { share: selected === undefined ? undefined : selected / 100_000, strategies };
    results.push(result);
    say(JSON.stringify(result));
  }
  const settings = { rows: Number(values.rows), dimension: Number(values.dimension), queries: Number(values.queries) };
  process.stdout.write(`${JSON.stringify({ ...settings, k: K, repeats: Number(values.repeats), results }, null, 2)}\n`);
});

async function build(folder: string, shard: string, database: string): Promise<void> {
  await capture(PYTHON, ['-c', ADD_COLUMN, shard]);
  const plan = join(folder, 'plan.json');
  await runHere('pack-buckets', '--input', shard, '--keep', 'number', '--database', database, '--output', plan);
  await runHere('ingest-bucket', '--plan', plan, '--bucket', 'bucket_00001', '--database', database);
  await runHere('index-bucket', '--bucket', 'bucket_00001', '--database', database);
}

/** Reads the targets of each query. */
async function pairsOf(csv: string): Promise<Set<string>> {
  const pairs = new Set<string>();
  for await (const line of createInterface({ input: createReadStream(csv) })) {
    const [query, , target] = line.split(',');
    pairs.add(`${query} ${target}`);
  }
  return pairs;
}
