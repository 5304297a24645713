import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import type { IngestRecord } from '../../workers/src/database/catalog/catalog-entry.ts';
import { runHere } from '../support/command.ts';
import { ROOT, temporaryFolder } from '../support/run.ts';
import { randomRows, writeShard } from '../support/shards.ts';

const BUCKET = 'bucket_00001';

it('a small bucket has as many fragments and partitions as the benchmark of units asks for', async () => {
  const folder = await temporaryFolder();
  const [database, plan] = [join(folder, 'db'), join(folder, 'plan.json')];
  const shard = await writeShard(join(folder, 's.h5'), randomRows(1, 2000, 16));
  await runHere(['pack-buckets', '--input', shard, '--output', plan]);
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [join(ROOT, 'bench/scale/ingest-units.ts'), plan, database, BUCKET, '300'],
    { env: { ...process.env, LANCEFLOW_UNIT_BYTES: '300' } },
  );
  const record = JSON.parse(await readFile(join(database, '_pending', `${BUCKET}.json`), 'utf8')) as IngestRecord;
  expect(record.table!.rows).toBe(2000);
  expect(record.table!.partitions!.count).toBe(300);
  expect(record.table!.fragments!.length).toBeGreaterThan(100);
  expect(JSON.parse(stdout)).toEqual({ fragments: record.table!.fragments!.length });
});
