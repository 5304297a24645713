import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { Database } from '../../../workers/src/database/database.ts';
import { createCsvFormatter, csvHeader } from '../../../workers/src/hits/csv/csv-format.ts';
import { ask } from '../../../workers/src/search/in-place/ask-database.ts';
import type { AskQueries } from '../../../workers/src/search/in-place/ask-queries.ts';
import { checkAskSettings } from '../../../workers/src/search/in-place/ask-settings.ts';
import { closeWarmBuckets } from '../../../workers/src/search/in-place/warm-buckets.ts';
import { METRICS } from '../../../workers/src/vectors/metric.ts';
import { runHere } from '../../support/command.ts';
import { buildDatabase } from '../../support/database.ts';
import { neighboursOf } from '../../support/hits.ts';
import { temporaryFolder } from '../../support/run.ts';
import { type Rows, randomRows, sliceRows, writeParts, writeShard } from '../../support/shards.ts';

const ALL = { concurrency: 2, timeoutMs: 60_000, allowPartial: false };

/** Rows of which some are repeated in the same bucket and in others, so that hits tie. */
function rowsWithTies(rows: number, dimension: number): Rows {
  const { ids, vectors } = randomRows(1, rows, dimension);
  for (let row = 3; row < rows; row += 3)
    vectors.copyWithin(row * dimension, (row % 50) * dimension, ((row % 50) + 1) * dimension);
  return { dimension, ids: ids.map((id, row) => (row % 7 === 0 ? `it's "${id}"` : id)), vectors };
}

function queriesOf({ ids, dimension, vectors }: Rows): AskQueries {
  return { source: 'the test', ids, dimension, vectors, attributes: {} };
}

async function askAsCsv(uri: string, rows: Rows, settings: object): Promise<string> {
  const checked = checkAskSettings(settings);
  const { merge } = await ask(await Database.open(uri), queriesOf(rows), checked, ALL);
  const format = createCsvFormatter(false, merge.extra);
  const lines = [...merge.neighbours()].map((batch) => Buffer.from(format(batch)).toString());
  return [csvHeader(merge.extra), ...lines].join('');
}

/** The neighbours of a campaign: search-bucket by ann on each bucket, then merge-hits. */
async function campaign(folder: string, uri: string, buckets: string[], queries: string, k: number, options: string[]) {
  const input = [];
  for (const bucket of buckets) {
    const output = join(folder, `${bucket}.parquet`);
    const argv = ['search-bucket', '--bucket', bucket, '--database', uri, '--queries', queries, '--k', `${k}`];
    await runHere([...argv, '--search', 'ann', '--output', output, ...options]);
    input.push(output);
  }
  const csv = join(folder, 'neighbours.csv');
  const output = join(folder, 'neighbours.parquet');
  await runHere(['merge-hits', '--input', ...input, '--k', `${k}`, '--output', output, '--csv', csv]);
  return readFile(csv, 'utf8');
}

describe('ask', () => {
  afterEach(closeWarmBuckets);

  it.each([1, 2])(
    'omits a bucket that another one replaces, also one that answered before it: %i at once',
    async (concurrency) => {
      const folder = await temporaryFolder();
      const rows = randomRows(2, 90, 16);
      const shards = await writeParts(folder, rows, [30, 30, 30]);
      const { database: uri, buckets } = await buildDatabase(folder, shards, { bucketSize: 30 });
      const database = await Database.open(uri);
      const [first, second, third] = buckets as [string, string, string];
      const replaced = await database.requireEntry(first);
      const replacing = await database.requireEntry(third);
      const { bucket, fingerprint } = replaced;
      await database.writeEntry({ ...replacing, replaces: [{ bucket, fingerprint }] });
      const queries = queriesOf(sliceRows(rows, 0, 5));
      const answer = async (names?: string[]) => {
        const { merge, answers } = await ask(database, queries, checkAskSettings({ k: 40 }), {
          ...{ ...ALL, concurrency, buckets: names },
        });
        return { answers: answers.map((one) => one.bucket), neighbours: [...merge.neighbours()].flatMap(neighboursOf) };
      };
      const { answers, neighbours } = await answer();
      expect(answers).toEqual([second, third]);
      expect(neighbours).toEqual((await answer([second, third])).neighbours);
      expect(neighbours).toHaveLength(5 * 40);
    },
  );

  it.each(METRICS.flatMap((metric) => ['float32', 'float16'].map((vectorType) => [metric, vectorType] as const)))(
    'answers as a campaign does, byte for byte: %s, %s',
    async (metric, vectorType) => {
      const folder = await temporaryFolder();
      const rows = rowsWithTies(1900, 32);
      const shards = await writeParts(folder, rows, [1000, 600, 300]);
      const { database, buckets } = await buildDatabase(folder, shards, {
        bucketSize: 1000,
        ingest: ['--metric', metric, '--vector-type', vectorType],
      });
      expect(buckets).toHaveLength(2);
      const queries = sliceRows(rows, 0, 12);
      const queryShard = await writeShard(join(folder, 'queries.h5'), queries);
      for (const [settings, options] of [
        [{ k: 10 }, []],
        [
          { k: 7, nprobes: 3, refineFactor: 2, excludeSelf: true },
          ['--nprobes', '3', '--refine-factor', '2', '--exclude-self'],
        ],
        [
          { k: 400, nprobes: 1, refineFactor: 0, maxDistance: 0.9 },
          ['--nprobes', '1', '--refine-factor', '0', '--max-distance', '0.9'],
        ],
        // More than the rows of the smallest bucket, which is searched by exact.
        [{ k: 950, nprobes: 4 }, ['--nprobes', '4']],
      ] as const) {
        const expected = await campaign(folder, database, buckets, queryShard, settings.k, [...options]);
        expect(await askAsCsv(database, queries, settings)).toBe(expected);
      }
    },
  );
});
