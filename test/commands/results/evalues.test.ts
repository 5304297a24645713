import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { Database } from '../../../workers/src/database/database.ts';
import { inspectNeighbours } from '../../../workers/src/hits/parquet/neighbours-reader.ts';
import type { Metric } from '../../../workers/src/vectors/metric.ts';
import { runHere } from '../../support/command.ts';
import { bruteForce, buildDatabase } from '../../support/database.ts';
import { missingPython, python, sharedFolder } from '../../support/run.ts';
import { randomRows, sliceRows, writeShard } from '../../support/shards.ts';

const [ROWS, DIMENSION, K] = [900, 16, 20];
/** Both strategies then compare every vector. */
const SETTINGS = ['--k', `${K}`, '--nprobes', '99', '--refine-factor', '50'];

/** Computes the E-values of neighbours from the catalog and the queries, as docs/formats.md describes, and compares. */
const COMPARE = `
import base64, h5py, json, sys
import numpy as np, pandas as pd
cases, queries = json.loads(sys.argv[1]), sys.argv[2]
with h5py.File(queries) as f: vectors = dict(zip([i.decode() for i in f['id']], f['embedding'][:].astype('f8')))

def p_value(entry, q, d):
    nulls, metric = entry['nullDistances'], entry['metric']
    mean = np.frombuffer(base64.b64decode(nulls['mean']), '<f4').astype('f8')
    codes = np.frombuffer(base64.b64decode(nulls['factors']), 'i1').reshape(-1, len(mean))
    factors = codes * np.array(nulls['scales'])[:, None]
    c, w = (q @ q, np.append(-2 * q, 1)) if metric == 'l2' else (1, -q / (np.linalg.norm(q) if metric == 'cosine' else 1))
    m, v = c + w @ mean, ((factors[:-1] @ w) ** 2).sum() + ((w * factors[-1]) ** 2).sum()
    s = np.sqrt(np.log1p(v / m**2))
    z = (m - d) / np.sqrt(v) if metric == 'dot' else (np.log(m) - s**2 / 2 - np.log(d)) / s
    start, share, scale, shape = (nulls['tail'][name] for name in ['start', 'share', 'scale', 'shape'])
    growth = 1 + shape * (z - start) / scale
    return 1 if growth <= 0 else max(1e-37, min(1, share * growth ** (-1 / shape)))

def compare(path, database, rows):
    table = pd.read_parquet(path)
    entry = {b: json.load(open(f'{database}/_catalog/{b}.json')) for b in table.bucket.unique()}
    chances = [rows * p_value(entry[b], vectors[q], d) for q, b, d in zip(table.query_id, table.bucket, table.distance)]
    return {'evalues': len(table), 'spread': float(table.evalue.max() / table.evalue.min()), 'error': float((table.evalue / chances - 1).abs().max())}
print(json.dumps([compare(*case) for case in cases]))`;

interface Compared {
  evalues: number;
  spread: number;
  error: number;
}

/**
 * Expects the E-values that Python computes; without Python, what else the tests compare is left.
 * @param cases neighbours, their database, and the number of searched rows
 */
async function expectEvalues(cases: ReadonlyArray<[string, string, number]>, queries: string): Promise<void> {
  if (missingPython()) return;
  const compared = await python<Compared[]>(COMPARE, JSON.stringify(cases), queries);
  expect(compared).toHaveLength(cases.length);
  for (const { error, spread } of compared) {
    // Three digits are at most half a percent away.
    expect(error).toBeLessThan(0.006);
    expect(spread).toBeGreaterThan(10);
  }
}

/** Ranks lines of a CSV from 1, query by query. */
function rankAgain(lines: readonly string[]): string[] {
  const ranks = new Map<string, number>();
  return lines.map((line) => {
    const [query, , ...others] = line.split(',');
    ranks.set(query!, (ranks.get(query!) ?? 0) + 1);
    return [query, ranks.get(query!), ...others].join(',');
  });
}

describe('E-values from build to neighbours', () => {
  const rows = randomRows(3, ROWS, DIMENSION);
  const asked = randomRows(4, 12, DIMENSION, 'q');
  let folder = '';
  let shards: string[] = [];
  let queries = '';
  beforeAll(async () => {
    folder = await sharedFolder();
    // Long vectors: under dot, distances are then far from 1.
    for (const [i, value] of rows.vectors.entries()) rows.vectors[i] = 3 * value;
    shards = await Promise.all(
      [0, 600].map((first) => writeShard(join(folder, `s${first}.h5`), sliceRows(rows, first, first + 600))),
    );
    queries = await writeShard(join(folder, 'q.h5'), asked);
  });

  /** Searches all buckets, and merges. @returns the hits, the Parquet file, and the lines of the CSV */
  async function searchAll(name: string, database: string, search: string[]) {
    const own = join(folder, name);
    await mkdir(own, { recursive: true });
    const hits: string[] = [];
    for (const { bucket } of await (await Database.open(database)).entries()) {
      hits.push(join(own, `${bucket}.parquet`));
      const table = ['--bucket', bucket, '--database', database, '--queries', queries];
      await runHere(['search-bucket', ...table, ...SETTINGS, ...search, '--output', hits.at(-1)!]);
    }
    return { hits, ...(await mergeAll(own, hits)) };
  }

  async function mergeAll(own: string, hits: string[], options: string[] = []) {
    const [parquet, csv] = [join(own, 'neighbours.parquet'), join(own, 'neighbours.csv')];
    const outputs = ['--output', parquet, '--csv', csv];
    await runHere(['merge-hits', '--input', ...hits, '--k', `${K}`, ...outputs, ...options]);
    return { parquet, lines: await linesOf(csv) };
  }

  async function ask(name: string, database: string, options: string[] = []): Promise<string[]> {
    const output = join(folder, `${name}.csv`);
    await runHere(['ask', '--input', queries, '--database', database, ...SETTINGS, ...options, '--output', output]);
    return linesOf(output);
  }

  const linesOf = async (path: string) => (await readFile(path, 'utf8')).trimEnd().split('\n');
  const evalueOf = (line: string) => Number(line.split(',')[5]);

  it.each<Metric>(['cosine', 'l2', 'dot'])('are those of the catalog under %s', async (metric) => {
    const database = join(folder, metric);
    await buildDatabase(folder, shards, { database, bucketSize: 600, ingest: ['--metric', metric] });
    const { hits, parquet, lines } = await searchAll(`${metric}-exact`, database, ['--search', 'exact']);
    await expectEvalues([[parquet, database, ROWS]], queries);
    const [head, ...neighbours] = lines;
    expect(head).toBe('query_id,rank,target_id,distance,bucket,evalue');
    const targets = neighbours.map((line) => line.split(',')[2]);
    expect(targets).toEqual(bruteForce(asked, rows, metric, K, '').map(({ target }) => target));

    const limit = neighbours.map(evalueOf).sort((a, b) => a - b)[Math.floor(neighbours.length / 3)]!;
    const significant = rankAgain(neighbours.filter((line) => evalueOf(line) <= limit));
    const options = ['--max-evalue', `${limit}`];
    const limited = await mergeAll(join(folder, `${metric}-exact`), hits, options);
    expect(limited.lines).toEqual([head, ...significant]);
    expect((await inspectNeighbours(limited.parquet)).metadata).toMatchObject({ 'lanceflow.max_evalue': `${limit}` });

    const campaign = await searchAll(`${metric}-ann`, database, ['--search', 'ann']);
    expect(await ask(metric, database)).toEqual(campaign.lines);
    const kept = rankAgain(campaign.lines.slice(1).filter((line) => evalueOf(line) <= limit));
    expect(await ask(`${metric}-limited`, database, options)).toEqual([head, ...kept]);
  });

  it('count the rows that are searched: those that are not deleted and that a filter selects', async () => {
    const whole = join(folder, 'whole');
    await buildDatabase(folder, shards, { database: whole, bucketSize: 600 });
    const isSelected = (id: string) => id.startsWith('p1');
    const isDeleted = (id: string) => id.endsWith('0');
    const count = (holds: (id: string) => boolean) => rows.ids.filter(holds).length;
    await writeFile(join(folder, 'ids.txt'), rows.ids.filter(isDeleted).join('\n'));
    const database = join(folder, 'deleted');
    await cp(whole, database, { recursive: true });
    await runHere(['delete', '--database', database, '--ids', join(folder, 'ids.txt')]);

    // The second bucket has no such rows.
    const where = ['--where', "id LIKE 'p1%'"];
    const cases: Array<[string, string, number]> = [];
    for (const [name, place, selects] of [
      ['filtered', whole, isSelected],
      ['left', database, (id) => !isDeleted(id)],
      ['filtered-left', database, (id) => isSelected(id) && !isDeleted(id)],
    ] as Array<[string, string, (id: string) => boolean]>) {
      const options = name.startsWith('filtered') ? where : [];
      for (const strategy of ['exact', 'ann']) {
        const { parquet, lines } = await searchAll(`${name}-${strategy}`, place, ['--search', strategy, ...options]);
        cases.push([parquet, place, count(selects)]);
        if (strategy === 'ann') expect(await ask(name, place, options)).toEqual(lines);
      }
    }

    // Buckets that are written again are measured again.
    const compacted = join(folder, 'compacted');
    await cp(database, compacted, { recursive: true });
    await runHere(['compact', '--database', compacted]);
    const merged = join(folder, 'merged');
    await cp(database, merged, { recursive: true });
    await runHere(['merge-buckets', '--database', merged, '--below', '10000']);
    for (const [place, buckets] of [
      [compacted, 2],
      [merged, 1],
    ] as const) {
      const entries = await (await Database.open(place)).entries();
      expect(entries.map(({ nullDistances }) => nullDistances!.sampledRows > 200)).toEqual(Array(buckets).fill(true));
      const { parquet } = await searchAll(`${place}-exact`.slice(folder.length + 1), place, ['--search', 'exact']);
      cases.push([parquet, place, count((id) => !isDeleted(id))]);
    }
    expect(cases).toHaveLength(8);
    await expectEvalues(cases, queries);
  });
});
