import { join } from 'node:path';
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { closeS3 } from '../../workers/src/s3/client.ts';
import { runHere } from '../support/command.ts';
import type { Seen } from '../support/fault-proxy.ts';
import { sharedFolder, temporaryFolder } from '../support/run.ts';
import { missingServer, useS3, withFaultProxy } from '../support/s3.ts';
import { randomRows, writeShard } from '../support/shards.ts';

const DATABASE = 's3://lance/requests';
const BUCKETS = ['bucket_00001', 'bucket_00002', 'bucket_00003'];
const B = BUCKETS.length;

/** Requests by what Amazon charges for: PUT, POST and LIST cost twelve times as much as GET and HEAD, DELETE nothing. */
interface Counts {
  list: number;
  get: number;
  put: number;
}

const isList = ({ method, url }: Seen) => method === 'GET' && /[?&](list-type|uploads)\b/.test(url);
const isDelete = ({ method, url }: Seen) => method === 'DELETE' || (method === 'POST' && /[?&]delete\b/.test(url));

/** The table in docs/aws.md; a database of three buckets, each a table of one data file. */
describe.skipIf(missingServer('moto'))('requests to S3 are at most those of docs/aws.md', () => {
  const held = withFaultProxy('moto');
  let folder = '';
  beforeAll(async () => {
    folder = await sharedFolder();
    for (const i of [1, 2, 3]) await writeShard(join(folder, `s${i}.h5`), randomRows(i, 500, 16, `s${i}_`));
    await writeShard(join(folder, 'q.h5'), randomRows(9, 3, 16, 'q'));
  });
  beforeEach(() => useS3(held.proxy.env));

  /** Runs a command as a process of its own would: nothing is known of the service. */
  async function expectAtMost(most: Counts, ...argv: string[]) {
    await closeS3();
    held.proxy.seen.length = 0;
    await runHere(argv);
    const { seen } = held.proxy;
    const list = seen.filter(isList).length;
    const get = seen.filter((one) => /^(GET|HEAD)$/.test(one.method) && !isList(one)).length;
    const put = seen.filter((one) => /^(PUT|POST)$/.test(one.method) && !isDelete(one)).length;
    const all = seen.map(({ method, url }) => `${method} ${url}`).join('\n');
    const counts = { list, get, put };
    for (const kind of ['list', 'get', 'put'] as const)
      expect(counts[kind], `${argv[0]}: ${kind}\n${all}`).toBeLessThanOrEqual(most[kind]);
    expect(list + get + put).toBeGreaterThan(0);
  }

  test('building, cold and again', async () => {
    const work = ['--database', DATABASE, '--work', join(folder, 'work')];
    const plan = join(folder, 'plan.json');
    const inputs = [1, 2, 3].map((i) => join(folder, `s${i}.h5`));
    const size = ['--bucket-size', '500'];
    const pack = ['pack-buckets', '--input', ...inputs, ...size, '--database', DATABASE, '--output', plan];
    await expectAtMost({ list: 2, get: B, put: B + 2 }, ...pack);
    for (const [b, bucket] of BUCKETS.entries()) {
      // Of one file of data, its transaction, its manifest; then of two files of the index.
      const ingest = { list: 8, get: 3 + 2 * b + (B - b), put: 4 + 5 };
      await expectAtMost(ingest, 'ingest-bucket', '--plan', plan, '--bucket', bucket, ...work);
      await expectAtMost({ list: 10, get: 5 + b + 1, put: 5 + 5 }, 'index-bucket', '--bucket', bucket, ...work);
    }
    for (const bucket of BUCKETS) {
      await expectAtMost({ list: 6, get: 5 + B, put: 3 }, 'ingest-bucket', '--plan', plan, '--bucket', bucket, ...work);
      await expectAtMost({ list: 5, get: 6, put: 3 }, 'index-bucket', '--bucket', bucket, ...work);
    }
    await expectAtMost({ list: 1, get: B, put: 0 }, 'catalog', '--database', DATABASE, '--brief');
    // And the recall that was measured last.
    await expectAtMost({ list: 1 + B, get: B + 1, put: 0 }, 'catalog', '--database', DATABASE);
  });

  test('searching, cold and again; in place', async () => {
    const queries = ['--queries', join(folder, 'q.h5')];
    const search = async (most: Counts, ...options: string[]) => {
      const output = ['--output', join(await temporaryFolder(), 'hits.parquet')];
      await expectAtMost(
        most,
        'search-bucket',
        '--bucket',
        BUCKETS[0]!,
        '--database',
        DATABASE,
        ...queries,
        ...output,
        ...options,
      );
    };
    const work = ['--work', join(folder, 'cache')];
    await expectAtMost(
      { list: 1 + B, get: B, put: 0 },
      'plan-search',
      ...queries,
      '--database',
      DATABASE,
      '--output',
      join(folder, 'p'),
    );
    // The catalog's entry; the data and the manifest; then the two files of the index.
    await search({ list: 1, get: 1 + 2, put: 0 }, '--search', 'exact', ...work);
    await search({ list: 1, get: 1 + 2, put: 0 }, '--search', 'ann', ...work);
    for (const way of ['exact', 'scan', 'ann', 'auto'])
      await search({ list: 1, get: 1, put: 0 }, '--search', way, ...work);
    await search({ list: 4, get: 8, put: 0 }, '--search', 'exact', '--stream');
    // LanceDB's own, most of them: they grow with the queries.
    await search({ list: 4, get: 40, put: 0 }, '--search', 'ann', '--stream');
    await expectAtMost({ list: 6 + 7 * B, get: 20 * B, put: 0 }, 'verify', '--database', DATABASE);
  });
});
