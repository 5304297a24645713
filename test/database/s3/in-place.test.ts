// @module-tag slow

import { join } from 'node:path';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { TransientError } from '../../../workers/src/base/errors.ts';
import { runHere } from '../../support/command.ts';
import { buildDatabase } from '../../support/database.ts';
import type { Fault, Seen } from '../../support/fault-proxy.ts';
import { sharedFolder, temporaryFolder } from '../../support/run.ts';
import { missingServer, useS3, withFaultProxy } from '../../support/s3.ts';
import { randomRows, writeShard } from '../../support/shards.ts';

const DATABASE = 's3://lance/in-place';
const isLanceDb = ({ headers }: Seen) => !/aws-sdk-js/.test(headers['user-agent'] ?? '');
const skip = missingServer('moto');

describe.skipIf(skip)('LanceDB in place on S3', () => {
  const held = withFaultProxy('moto');
  let folder = '';
  /** Requests of LanceDB for one search. */
  let requests = 0;

  beforeEach(() => useS3({ ...held.proxy.env, LANCEFLOW_S3_STALL_MS: '400', LANCEFLOW_S3_GIVE_UP_MS: '2000' }));
  beforeAll(async () => {
    useS3(held.server.env);
    folder = await sharedFolder();
    const shard = await writeShard(join(folder, 'a.h5'), randomRows(1, 1000, 16));
    await writeShard(join(folder, 'q.h5'), randomRows(2, 3, 16, 'q'));
    await buildDatabase(folder, [shard], { database: DATABASE });
  });

  async function search() {
    const output = join(await temporaryFolder(), 'hits.parquet');
    const argv = ['search-bucket', '--bucket', 'bucket_00001', '--database', DATABASE, '--k', '5', '--stream'];
    return runHere([...argv, '--search', 'ann', '--queries', join(folder, 'q.h5'), '--output', output]);
  }

  // Runs first, because an abandoned connection continues for a while and its requests would be counted.
  it('says that the requester pays', async () => {
    useS3({ LANCEFLOW_S3_REQUESTER_PAYS: 'true' });
    await search();
    const { seen } = held.proxy;
    requests = seen.filter(isLanceDb).length;
    expect(requests).toBeGreaterThan(2);
    // A signed address has it among its parameters.
    const pays = ({ headers, url }: (typeof seen)[number]) =>
      headers['x-amz-request-payer'] === 'requester' || /[?&]x-amz-request-payer=requester(&|$)/.test(url);
    expect(seen.filter((request) => !pays(request))).toEqual([]);
  });

  const faults: [string, Fault][] = [
    ['never answers', { noAnswer: true }],
    ['stops in the middle of bodies', { stallAfter: 10 }],
    ['answers 500', { status: 500, code: 'InternalError' }],
    ['asks to slow down', { status: 503, code: 'SlowDown' }],
    ['cuts connections', { cutAfter: 0 }],
  ];
  it.each(faults)(
    'ends as a passing fault where the service %s, from the first request on or in the middle',
    async (_, fault) => {
      for (const good of [0, Math.floor(requests / 2)]) {
        let count = 0;
        held.proxy.rule = (seen) => (isLanceDb(seen) && ++count > good ? fault : undefined);
        const attempt = search();
        await expect(attempt).rejects.toBeInstanceOf(TransientError);
        await expect(attempt).rejects.toThrow(
          /^s3:\/\/lance\/in-place: (bucket_00001 cannot be read now|http\S* did not answer LanceDB).*run the same command again/i,
        );
        expect(count).toBeGreaterThan(good);
        held.proxy.rule = () => undefined;
      }
    },
  );
});
