import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { runHere } from '../support/command.ts';
import { expectNoLeftovers, expectWholeCatalog } from '../support/crash.ts';
import { namesIn } from '../support/database.ts';
import { lanceflow, ROOT, sharedFolder } from '../support/run.ts';
import { randomRows, writeShard } from '../support/shards.ts';

const BUCKET = ['--bucket', 'bucket_00001'];

describe('a thread that dies ends its command, which publishes nothing and can be run again:', () => {
  let folder = '';
  beforeAll(async () => {
    folder = await sharedFolder();
    const shard = await writeShard(join(folder, 's.h5'), randomRows(1, 3000, 16));
    const [plan, database] = [join(folder, 'plan.json'), join(folder, 'ingested')];
    await runHere(['pack-buckets', '--input', shard, '--database', database, '--output', plan]);
    await runHere(['ingest-bucket', '--plan', plan, ...BUCKET, '--database', database]);
  });

  it.each([
    ['out of memory', 'memory', 75, /The thread "index" ran out of memory\. Use fewer threads/],
    ['with an exit code', 'exit', 1, /The thread "index" ended with exit code 9 before its work was done/],
  ])('index-bucket, %s', async (_, by, code, reason) => {
    const database = join(folder, by);
    await cp(join(folder, 'ingested'), database, { recursive: true });
    const before = await namesIn(database);
    const index = ['index-bucket', ...BUCKET, '--database', database];
    const NODE_OPTIONS = `--max-old-space-size=80 --import ${join(ROOT, 'test/faults/die-in-thread.mjs')}`;
    const env = { ...process.env, NODE_OPTIONS, DIE_THREAD: 'index', DIE_BY: by };
    const died = await lanceflow(index, { env });
    expect(died.code).toBe(code);
    expect(died.stderr).toMatch(reason);
    expect(await namesIn(database)).toEqual(before);
    await runHere(index);
    await expectWholeCatalog(database);
    await expectNoLeftovers(database);
  });
});
