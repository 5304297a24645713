import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { TransientError } from '../../../workers/src/base/errors.ts';
import { runHere } from '../../support/command.ts';
import { buildDatabase } from '../../support/database.ts';
import { temporaryFolder } from '../../support/run.ts';
import { missingServer, useS3, withFaultProxy } from '../../support/s3.ts';
import { withSearchedRows } from '../../support/searched-rows.ts';

describe.skipIf(missingServer('moto'))('a search of a bucket on S3 that compact replaces meanwhile', () => {
  const held = withFaultProxy('moto');
  const searched = withSearchedRows();

  it.each([
    ['fetched', ['--work', 'fetched']],
    ['streamed', ['--stream']],
  ])(
    'answers from the old table, or names the bucket with its rows, where the table is %s',
    async (name, how) => {
      useS3(held.proxy.env);
      const folder = await temporaryFolder();
      const options = how.map((option) => (option === name ? join(folder, name) : option));
      const outcomes: string[] = [];
      // The first requests list the table and read its manifest, the last ones read vectors.
      for (let at = 0; outcomes.at(-1) !== 'not reached'; at += 6) {
        const database = `s3://lance/${name}-${at}`;
        await buildDatabase(folder, [searched.shard], { database });
        let reads = 0;
        let compacting: Promise<unknown> | undefined;
        held.proxy.rule = ({ url }) => {
          if (compacting || !url.includes(`${name}-${at}`) || !url.includes('bucket_00001.lance') || reads++ < at)
            return undefined;
          compacting = runHere(['compact', '--database', database, '--bucket', 'bucket_00001']);
          return { after: compacting };
        };
        const found = await searched.search(database, ...options).catch((error: unknown) => error);
        await compacting;
        if (Buffer.isBuffer(found)) expect(found.equals(searched.expected)).toBe(true);
        else {
          expect(found).toBeInstanceOf(TransientError);
          expect((found as Error).message).toContain('bucket_00001 was replaced: its rows are in bucket_00002');
        }
        outcomes.push(compacting ? (Buffer.isBuffer(found) ? 'answered' : 'refused') : 'not reached');
      }
      expect(outcomes).toContain('refused');
    },
    120_000,
  );
});
