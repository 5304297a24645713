import { existsSync } from 'node:fs';
import { cp, mkdir, readdir, readFile, rm, stat, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { buildDatabase, namesIn } from '../support/database.ts';
import { expectRefusal, expectRefusalHere } from '../support/refusal.ts';
import { sharedFolder } from '../support/run.ts';
import { randomRows, sliceRows, writeShard } from '../support/shards.ts';

describe('search-bucket refuses', () => {
  let folder = '';
  let database = '';
  let queries = '';
  const rows = randomRows(1, 1200, 16);
  const queryRows = randomRows(2, 5, 16, 'q');
  const write = (name: string, changed: object, attributes = {}) =>
    writeShard(join(folder, name), { ...queryRows, ...changed }, attributes);

  beforeAll(async () => {
    folder = await sharedFolder();
    const shard = await writeShard(join(folder, 's.h5'), rows, { model: 'm' });
    ({ database } = await buildDatabase(folder, [shard]));
    queries = await write('queries.h5', {});
    await mkdir(join(folder, 'out'));
  });

  /** Expects a refusal that leaves no file in the folder of the output. */
  async function refused(options: string[], code: number, ...matches: RegExp[]): Promise<void> {
    await expectNothingFrom(expectRefusal, options, code, ...matches);
  }
  const refusedHere = (options: string[], code: number, ...matches: RegExp[]) =>
    expectNothingFrom(expectRefusalHere, options, code, ...matches);

  async function expectNothingFrom(
    expecting: typeof expectRefusal,
    options: string[],
    code: number,
    ...matches: RegExp[]
  ) {
    const argv = ['search-bucket', '--bucket', 'bucket_00001', '--database', database, '--queries', queries];
    argv.push('--output', join(folder, 'out', 'hits.parquet'));
    for (let i = 0; i < options.length; i += 2) {
      const at = argv.indexOf(options[i]!);
      if (at < 0) argv.push(options[i]!, options[i + 1]!);
      else argv[at + 1] = options[i + 1]!;
    }
    await expecting(argv, code, ...matches);
    expect(await namesIn(join(folder, 'out'))).toEqual([]);
  }
  const refusedQueries = async (path: string, ...matches: RegExp[]) => refusedHere(['--queries', path], 65, ...matches);

  it.each([
    ['--k', '0', /--k must be a whole number from 1, not 0/],
    ['--k', 'ten', /--k must be/],
    ['--k', '1.5', /--k must be/],
    ['--nprobes', '0', /--nprobes must be/],
    ['--refine-factor', '-1', /--refine-factor must be/],
    ['--search', 'fast', /fast.*exact/],
    ['--bucket', '../x', /cannot be a bucket's name/],
    ['--bucket', "'; rm -rf x", /cannot be a bucket's name/],
    ['--bucket', '$(touch x)', /cannot be a bucket's name/],
    ['--database', '', /--database is empty/],
    ['--metric', 'l2', /metric/],
    ['--block-queries', '0', /--block-queries must be/],
    ['--range', '3', /--range 3: write it like 0:1000/],
    ['--range', '3:3', /--range 3:3: write it like/],
    ['--range', '0:6', /--range ends at 6, but there are 5 queries/],
  ])('%s %s', (option, value, match) => refusedHere([option, value], 64, match));

  it('a wrong option with one line on standard error', () => refused(['--k', '0'], 64, /--k must be a whole number/));
  it('wrong queries with one line on standard error', () =>
    refused(['--queries', join(folder, 'nowhere.h5')], 65, /nowhere\.h5: no such file/));

  it('a missing bucket, listing the others', () =>
    refused(['--bucket', 'bucket_00002'], 65, /no bucket "bucket_00002" in this database; it has: bucket_00001/));
  it('a missing database, and creates none', async () => {
    await refused(['--database', join(folder, 'nowhere')], 65, /nowhere: no buckets in this database.*--input/);
    expect(existsSync(join(folder, 'nowhere'))).toBe(false);
  });
  it('a database without tables', async () => {
    await mkdir(join(folder, 'empty'));
    await refused(['--database', join(folder, 'empty')], 65, /empty: no buckets in this database/);
  });

  it('queries that are missing', () => refusedQueries(join(folder, 'nowhere.h5'), /nowhere\.h5: no such file/));
  it('queries that are FASTA', async () => {
    await writeFile(join(folder, 'q.fasta'), '>q\nMKV\n');
    await refusedQueries(join(folder, 'q.fasta'), /q\.fasta: not an HDF5 file/);
  });
  it('no queries', async () =>
    refusedQueries(await write('none.h5', { ids: [], vectors: new Float32Array(0) }), /none\.h5: no queries/));
  it('queries of another dimension', async () =>
    refusedQueries(
      await writeShard(join(folder, 'd.h5'), randomRows(1, 2, 8)),
      /d\.h5: query vectors of 8 components, but bucket_00001 has 16/,
    ));
  it('queries of another model', async () =>
    refusedQueries(
      await write('m.h5', {}, { model: 'other' }),
      /m\.h5: embedded by model other, but bucket_00001 by m/,
    ));
  it('a query with NaN', async () => {
    const vectors = queryRows.vectors.slice().fill(Number.NaN, 35, 36);
    await refusedQueries(await write('nan.h5', { vectors }), /nan\.h5: row 2 \(id "q2"\) has NaN at component 3/);
  });
  it('a query of zeros', async () => {
    const vectors = queryRows.vectors.slice().fill(0, 16, 32);
    await refusedQueries(await write('zero.h5', { vectors }), /zero\.h5: row 1 \(id "q1"\) is all zero/);
  });
  it('a duplicated id', async () => {
    const path = await write('twice.h5', { ids: ['a', 'b', 'a', 'c', 'd'] });
    await refusedQueries(path, /twice\.h5: duplicated query id "a"/);
  });
  it('truncated queries', async () => {
    await writeFile(join(folder, 'cut.h5'), (await readFile(queries)).subarray(0, 3000));
    await refusedQueries(join(folder, 'cut.h5'), /cut\.h5: truncated/);
  });

  it('an output that cannot be written', async () => {
    await refused(['--output', join(queries, 'hits.parquet')], 65, /queries\.h5/);
    await mkdir(join(folder, 'out', 'hits.parquet'));
    const argv = ['--bucket', 'bucket_00001', '--database', database, '--queries', queries];
    await expectRefusal(
      ['search-bucket', ...argv, '--search', 'exact', '--output', join(folder, 'out', 'hits.parquet')],
      65,
      /hits\.parquet/,
    );
    expect(await readdir(join(folder, 'out'))).toEqual(['hits.parquet']);
    await rm(join(folder, 'out', 'hits.parquet'), { recursive: true });
  });

  it.each(['output', 'truth'])('a query set as --%s, also by another name', async (option) => {
    const before = await readFile(queries);
    await symlink(queries, join(folder, `${option}.h5`));
    for (const path of [queries, `${folder}/out/../queries.h5`, join(folder, `${option}.h5`)])
      await refusedHere([`--${option}`, path], 64, new RegExp(`--${option} names a file of --queries`));
    expect((await readFile(queries)).equals(before)).toBe(true);
  });

  describe('a bucket whose files are damaged:', () => {
    /** Damages a copy of the database and searches it by these strategies; the message names the bucket and the fix. */
    async function damaged(
      name: string,
      modes: string[],
      damage: (copy: string, table: string) => Promise<unknown>,
      ...matches: RegExp[]
    ) {
      const copy = join(folder, name);
      await cp(database, copy, { recursive: true });
      await damage(copy, join(copy, 'bucket_00001.lance'));
      const [first, ...others] = modes;
      await refused(['--database', copy, '--search', first!], 65, /bucket_00001/, ...matches);
      for (const mode of others)
        await refusedHere(['--database', copy, '--search', mode], 65, /bucket_00001/, ...matches);
    }
    const one = async (path: string) => join(path, (await readdir(path))[0]!);
    const flip = async (path: string, from: number, count: number) => {
      const bytes = await readFile(path);
      const at = from < 0 ? bytes.length + from : from;
      for (let i = at; i < at + count; i++) bytes[i]! ^= 0x55;
      await writeFile(path, bytes);
    };
    const all = ['exact', 'scan', 'ann'];

    it('no table', () => damaged('gone', all, (_, table) => rm(table, { recursive: true }), /build/i));
    it('no data', () => damaged('nodata', all, (_, table) => rm(join(table, 'data'), { recursive: true }), /build/i));
    it('truncated data', () =>
      damaged(
        'cut',
        all,
        async (_, table) => {
          const path = await one(join(table, 'data'));
          await truncate(path, (await stat(path)).size >> 1);
        },
        /build/i,
      ));
    it('empty data files', () =>
      damaged('emptied', all, async (_, table) => truncate(await one(join(table, 'data')), 0), /build/i));
    it('the footer of the data overwritten', () =>
      damaged('footer', all, async (_, table) => flip(await one(join(table, 'data')), -60, 50), /build/i));
    it('no manifest', () =>
      damaged('nomanifest', all, (_, table) => rm(join(table, '_versions'), { recursive: true }), /build/i));
    it('the manifest overwritten', () =>
      damaged('manifest', all, async (_, table) => flip(await one(join(table, '_versions')), 0, 100), /build/i));
    it('no index', () =>
      damaged('noindex', ['ann'], (_, table) => rm(join(table, '_indices'), { recursive: true }), /build/i));
    it('a truncated index', () =>
      damaged(
        'index',
        ['ann'],
        async (_, table) => {
          const own = await one(join(table, '_indices'));
          for (const name of await readdir(own)) await truncate(join(own, name), 100);
        },
        /build/i,
      ));
    it('truncated partitions', () =>
      damaged('cutpartitions', all, async (copy) => truncate(await one(join(copy, '_partitions')), 100), /build/i));
    it('partitions overwritten', () =>
      damaged('partitions', ['scan'], async (copy) => flip(await one(join(copy, '_partitions')), 500, 4), /build/i));
    it('rows that another client added', () =>
      damaged(
        'added',
        all,
        async (copy) => {
          const { connect } = await import('../../workers/src/lance/lancedb.ts');
          const table = await (await connect(copy)).openTable('bucket_00001');
          await table.add([{ embedding: [...sliceRows(rows, 0, 1).vectors], id: 'more' }]);
          table.close();
        },
        /was changed by another client: version 4, the catalog has 3 \(add\)/,
      ));
    it('a truncated catalog entry', () =>
      damaged(
        'entry',
        ['exact'],
        async (copy) => {
          const path = join(copy, '_catalog', 'bucket_00001.json');
          await writeFile(path, (await readFile(path, 'utf8')).slice(0, 300));
        },
        /_catalog\/bucket_00001\.json: the catalog entry is damaged.*build/,
      ));
  });
});
