import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { Database } from '../../../workers/src/database/database.ts';
import type { Evaluation } from '../../../workers/src/evaluate/evaluation.ts';
import { runHere } from '../../support/command.ts';
import { buildDatabase } from '../../support/database.ts';
import { expectRefusalHere } from '../../support/refusal.ts';
import { sharedFolder, temporaryFolder } from '../../support/run.ts';
import { missingServer } from '../../support/s3.ts';
import { cost, withDatabases } from '../../support/s3-database.ts';
import { randomRows, writeShard } from '../../support/shards.ts';

const DATABASE = 's3://lance/evaluated';
const BUCKETS = ['bucket_00001', 'bucket_00002'];
const ROWS = 3000;

describe.skipIf(missingServer('moto'))('evaluate on S3', () => {
  withDatabases();
  let folder = '';
  beforeAll(async () => {
    folder = await sharedFolder();
    const shard = await writeShard(join(folder, 'rows.h5'), randomRows(1, ROWS, 32));
    await writeShard(join(folder, 'q.h5'), randomRows(2, 20, 32, 'q'));
    const work = ['--work', join(folder, 'build')];
    const options = { bucketSize: ROWS / 2, ingest: work, index: ['--index', 'ivf-rq', ...work] };
    await buildDatabase(folder, [shard], { database: DATABASE, ...options });
  });

  const evaluate = (...options: string[]) =>
    runHere(['evaluate', '--database', DATABASE, '--json', ...options]) as unknown as Promise<Evaluation>;
  const GRID = ['--k', '5', '--nprobes', '6', '--refine-factor', '0,10'];

  it('finds the same from fetched tables as in place, and says what a search fetches', async () => {
    const queries = ['--queries', join(folder, 'q.h5')];
    const fetched = await evaluate(...GRID, ...queries, '--work', join(folder, 'work'));
    const streamed = await evaluate(...GRID, ...queries, '--stream');
    const recalls = ({ points }: Evaluation) => points.map(({ recall }) => recall.mean);
    expect(fetched.points.map(({ strategy }) => strategy)).toEqual(['exact', 'scan', 'ann', 'ann']);
    expect(recalls(fetched)[0]).toBe(1);
    expect(recalls(streamed)).toEqual(recalls(fetched));
    for (const { strategy, nprobes, refineFactor, bytesFetched } of fetched.points) {
      const settings = ['--search', strategy, ...(nprobes ? ['--nprobes', `${nprobes}`] : [])];
      if (refineFactor !== undefined) settings.push('--refine-factor', `${refineFactor}`);
      const work = await temporaryFolder();
      let received = 0;
      for (const bucket of BUCKETS) {
        const argv = ['search-bucket', '--bucket', bucket, '--database', DATABASE, '--k', '5', ...queries, ...settings];
        const output = join(work, `${bucket}.parquet`);
        received += (await cost(() => runHere([...argv, '--work', work, '--output', output]))).received;
      }
      // The catalog entries and listings come on top.
      expect(received, strategy).toBeGreaterThan(bytesFetched);
      expect(received - bytesFetched, strategy).toBeLessThan(BUCKETS.length * 20_000);
    }
  });

  it('draws rows of the database, and records the recall there', async () => {
    const { buckets, queries } = await evaluate(...GRID, '--sample', '10', '--strategies', 'scan', '--stream');
    expect(queries).toBe(10);
    const recorded = await (await Database.open(DATABASE)).readFile('_evaluations/latest.json');
    expect(JSON.parse(recorded!)).toMatchObject({ k: 5, queries: 10, strategy: 'scan', buckets });
  });

  it('refuses wrong queries and outputs before it fetches a table', async () => {
    await writeShard(join(folder, 'other.h5'), randomRows(3, 2, 8, 'q'));
    await mkdir(join(folder, 'taken.json'));
    for (const [options, message] of [
      [['--queries', join(folder, 'other.h5')], /dimension|components/],
      [['--output', join(folder, 'taken.json')], /a folder has this name/],
    ] as const) {
      const work = await temporaryFolder();
      const argv = ['evaluate', '--database', DATABASE, '--work', work, ...options];
      const { received } = await cost(() => expectRefusalHere(argv, 65, message));
      expect(received).toBeLessThan(BUCKETS.length * 20_000);
    }
  });
});
