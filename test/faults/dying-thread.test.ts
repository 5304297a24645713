import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { createHits } from '../../workers/src/hits/parquet/hits-writer.ts';
import { runHere } from '../support/command.ts';
import { expectNoLeftovers, expectWholeCatalog, expireLocks } from '../support/crash.ts';
import { namesIn } from '../support/database.ts';
import { packedHits } from '../support/hits.ts';
import { lanceflow, ROOT, sharedFolder } from '../support/run.ts';
import { randomRows, writeShard } from '../support/shards.ts';
import { readTable } from '../support/table.ts';

const DIE = join(ROOT, 'test/faults/die-in-thread.mjs');
const BUCKET = 'bucket_00001';
const ROWS = 4000;

describe('a thread of ingest-bucket that dies', () => {
  let folder = '';
  beforeAll(async () => {
    folder = await sharedFolder();
    await writeShard(join(folder, 's.h5'), randomRows(1, ROWS, 32));
  });

  it.each([
    ['while it sorts, out of memory', 'memory', 'runs.', { code: 75, signal: null }, /ran out of memory/],
    ['while it gathers, out of memory', 'memory', '.unnamed', { code: 75, signal: null }, /ran out of memory/],
    ['while it gathers, without a word', 'exit', '.unnamed', { code: 1, signal: null }, /"ingest" exited with code 3/],
    ['while it gathers, with the process', 'crash', '.unnamed', { code: null, signal: 'SIGSEGV' }, /^/],
  ])('%s, ends the command, and the same command builds the table', async (name, by, at, end, message) => {
    const database = join(folder, name.replaceAll(/\W+/g, '-'));
    const plan = join(folder, 'plan.json');
    await runHere(['pack-buckets', '--input', join(folder, 's.h5'), '--database', database, '--output', plan]);
    const before = await namesIn(database);
    const command = ['ingest-bucket', '--plan', plan, '--bucket', BUCKET, '--database', database, '--threads', '3'];
    const small = { ...process.env, LANCEFLOW_UNIT_BYTES: '4096' };
    const options = `--max-old-space-size=96 --import ${DIE}`;
    const env = { ...small, NODE_OPTIONS: options, DIE_IN: 'ingest', DIE_BY: by, DIE_AT: at };
    const died = await lanceflow(command, { env });
    expect(died).toMatchObject(end);
    expect(died.stderr).toMatch(message);
    if (by === 'crash') await expireLocks(database);
    else expect(await namesIn(database)).toEqual(before);
    expect(await lanceflow(command, { env: small })).toMatchObject({ code: 0 });
    await runHere(['index-bucket', '--bucket', BUCKET, '--database', database]);
    await expectNoLeftovers(database);
    expect((await readTable(database, BUCKET)).rows.ids.length).toBe(ROWS);
  });
});

describe('a thread of index-bucket that dies', () => {
  let folder = '';
  beforeAll(async () => {
    folder = await sharedFolder();
    const shard = await writeShard(join(folder, 's.h5'), randomRows(1, ROWS, 16));
    const [plan, database] = [join(folder, 'plan.json'), join(folder, 'ingested')];
    await runHere(['pack-buckets', '--input', shard, '--database', database, '--output', plan]);
    await runHere(['ingest-bucket', '--plan', plan, '--bucket', BUCKET, '--database', database]);
  });

  it.each([
    ['out of memory', 'memory', 75, /The thread "index" ran out of memory\. Use fewer threads/],
    ['without a word', 'exit', 1, /The thread "index" exited with code 3 before its work was done/],
  ])(
    '%s, ends the command, which publishes nothing, and the same command builds the index',
    async (_, by, code, reason) => {
      const database = join(folder, by);
      await cp(join(folder, 'ingested'), database, { recursive: true });
      const before = await namesIn(database);
      const index = ['index-bucket', '--bucket', BUCKET, '--database', database];
      const NODE_OPTIONS = `--max-old-space-size=96 --import ${DIE}`;
      const env = { ...process.env, NODE_OPTIONS, DIE_IN: 'index', DIE_BY: by, DIE_AT: 'auxiliary.idx' };
      const died = await lanceflow(index, { env });
      expect(died.code).toBe(code);
      expect(died.stderr).toMatch(reason);
      expect(await namesIn(database)).toEqual(before);
      await runHere(index);
      await expectWholeCatalog(database);
      await expectNoLeftovers(database);
    },
  );
});

describe('a thread of search-bucket that dies', () => {
  let folder = '';
  const search = (name: string, ...options: string[]) => [
    ...['search-bucket', '--bucket', BUCKET, '--database', join(folder, 'database'), '--queries', join(folder, 'q.h5')],
    ...['--k', '10', '--output', join(folder, 'hits', name), ...options],
  ];
  beforeAll(async () => {
    folder = await sharedFolder();
    const shard = await writeShard(join(folder, 's.h5'), randomRows(1, ROWS, 16));
    await writeShard(join(folder, 'q.h5'), randomRows(2, 300, 16));
    const [plan, database] = [join(folder, 'plan.json'), join(folder, 'database')];
    await runHere(['pack-buckets', '--input', shard, '--database', database, '--output', plan]);
    await runHere(['ingest-bucket', '--plan', plan, '--bucket', BUCKET, '--database', database]);
    await runHere(['index-bucket', '--bucket', BUCKET, '--database', database, '--index', 'ivf-rq']);
  });

  it.each([
    ['exact', 'memory', 75, /The thread "score" ran out of memory\. Use fewer threads/],
    ['scan', 'exit', 1, /The thread "score" exited with code 3 before its work was done/],
  ])(
    'in %s, by %s, ends the command without an output, and the same command writes it',
    async (mode, by, code, reason) => {
      const command = search(`${mode}.parquet`, '--search', mode);
      const NODE_OPTIONS = `--max-old-space-size=96 --import ${DIE}`;
      const env = { ...process.env, NODE_OPTIONS, DIE_IN: 'score', DIE_BY: by, DIE_AT: '.lance/data' };
      const died = await lanceflow(command, { env });
      expect(died.code).toBe(code);
      expect(died.stderr).toMatch(reason);
      expect(await namesIn(join(folder, 'hits'))).toEqual([]);
      expect((await runHere(command)).rows).toBe(3000);
      await rm(join(folder, 'hits', `${mode}.parquet`));
    },
  );
});

describe('a thread of merge-hits that dies', () => {
  let folder = '';
  let expected: Buffer;
  const buckets = ['bucket_00001', 'bucket_00002', 'bucket_00003'];
  const merge = (output: string) => [
    ...['merge-hits', '--k', '10', '--threads', '2', '--output', join(output, 'neighbours.parquet')],
    ...['--csv', join(output, 'neighbours.csv'), '--input', ...buckets.map((name) => join(folder, `${name}.parquet`))],
  ];
  beforeAll(async () => {
    folder = await sharedFolder();
    for (const bucket of buckets) {
      const hits = Array.from({ length: 5000 }, (_, i) => ({
        ...{ query: `q${String(i).padStart(4, '0')}`, target: `${bucket}.t`, distance: (i % 7) / 8, bucket },
      }));
      const writer = await createHits(join(folder, `${bucket}.parquet`), {});
      await writer.append({ ...packedHits(hits), bucket });
      await writer.finish();
    }
    await mkdir(join(folder, 'calm'));
    await runHere(merge(join(folder, 'calm')));
    expected = await readFile(join(folder, 'calm', 'neighbours.parquet'));
  });

  it.each([
    ['memory', { code: 75, signal: null }, /The thread "merge" ran out of memory\. Use fewer threads/],
    ['exit', { code: 1, signal: null }, /The thread "merge" exited with code 3 before its work was done/],
    ['crash', { code: null, signal: 'SIGSEGV' }, /^/],
  ])(
    'by %s, ends the command, keeps the earlier outputs, and the same command writes them',
    async (by, end, reason) => {
      const output = join(folder, by);
      await mkdir(output);
      const names = ['neighbours.parquet', 'neighbours.csv'];
      for (const name of names) await writeFile(join(output, name), 'earlier');
      const NODE_OPTIONS = `--max-old-space-size=96 --import ${DIE}`;
      const env = { ...process.env, NODE_OPTIONS, DIE_IN: 'merge', DIE_BY: by, DIE_AT: 'bucket_00002' };
      const died = await lanceflow(merge(output), { env });
      expect(died).toMatchObject(end);
      expect(died.stderr).toMatch(reason);
      for (const name of names) expect(await readFile(join(output, name), 'utf8')).toBe('earlier');
      if (by !== 'crash') expect(await namesIn(output)).toEqual(names.toSorted());
      await runHere(merge(output));
      expect((await readFile(join(output, 'neighbours.parquet'))).equals(expected)).toBe(true);
      expect(await namesIn(output)).toEqual(names.toSorted());
    },
  );
});
