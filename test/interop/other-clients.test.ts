// @module-tag slow

import { cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { DataError } from '../../workers/src/base/errors.ts';
import { closeS3 } from '../../workers/src/s3/client.ts';
import { runHere } from '../support/command.ts';
import { bruteForce, buildDatabase } from '../support/database.ts';
import { missingPython, python, sharedFolder } from '../support/run.ts';
import { missingServer } from '../support/s3.ts';
import { withDatabases } from '../support/s3-database.ts';
import { buildWithQueries, expectSameHits, searchHere, textOf } from '../support/search.ts';
import { randomRows, sliceRows, writeShard } from '../support/shards.ts';

// Another client changes a bucket's table: every strategy finds the same rows, or reports the change.

const skip = missingPython();
const BUCKET = 'bucket_00001';

/** Operations of Python's LanceDB on a table of ids p0, p1, ... */
const OPERATIONS = `
import json, os, sys, warnings, lancedb, pyarrow as pa
from datetime import timedelta
warnings.simplefilter('ignore')
def vector(table): return [1.0] + [0.0] * (table.schema.field('embedding').type.list_size - 1)
def row(table, id): return pa.table({'embedding': pa.array([vector(table)], table.schema.field('embedding').type), 'id': [id]})
def again(table, db, name):
    rows = table.to_arrow()
    db.drop_table(name)
    db.create_table(name, rows)
OPERATIONS = {
  'update': lambda t, db, name: t.update(where="id = 'r5'", values={'embedding': vector(t)}),
  'merge_insert': lambda t, db, name: t.merge_insert('id').when_matched_update_all().when_not_matched_insert_all().execute(row(t, 'r5')),
  'delete': lambda t, db, name: t.delete("id = 'r5'"),
  'delete and add': lambda t, db, name: (t.delete("id = 'r5'"), t.add(row(t, 'r5'))),
  'add, then compact': lambda t, db, name: (t.add(row(t, 'new')), t.optimize()),
  'overwrite': lambda t, db, name: db.create_table(name, t.to_arrow(), mode='overwrite'),
  'add, then cleaned': lambda t, db, name: (t.add(row(t, 'new')), t.optimize(cleanup_older_than=timedelta(0), delete_unverified=True)),
  'compacted and cleaned': lambda t, db, name: t.optimize(cleanup_older_than=timedelta(0), delete_unverified=True),
  'made anew': again,
  'removed': lambda t, db, name: db.drop_table(name),
  'compact': lambda t, db, name: t.optimize(),
  'scalar index': lambda t, db, name: t.create_scalar_index('id'),
  'drop index': lambda t, db, name: t.drop_index(t.list_indices()[0].name),
  'add column': lambda t, db, name: t.add_columns({'length': '7'}),
  'drop column': lambda t, db, name: (t.add_columns({'length': '7'}), t.drop_columns(['length'])),
  'many': lambda t, db, name: (t.add_columns({'length': '7'}), t.optimize(), t.create_scalar_index('id')),
  'restored': lambda t, db, name: (t.delete("id = 'r5'"), t.optimize(), t.restore(int(os.environ['VERSION']))),
}
endpoint = os.environ.get('AWS_ENDPOINT_URL_S3')
storage = {'endpoint': endpoint, 'allow_http': 'true', 'region': 'us-east-1'} if endpoint else None
for operation, uri in json.loads(sys.argv[1]):
    db = lancedb.connect(uri, storage_options=storage if uri.startswith('s3://') else None)
    OPERATIONS[operation](db.open_table('${BUCKET}'), db, '${BUCKET}')`;

const CHANGES: Array<[string, RegExp]> = [
  ['update', /version \d+, the catalog has \d+ \(update or merge_insert\)/],
  ['merge_insert', /version \d+, the catalog has \d+ \(update or merge_insert\)/],
  ['delete', /version \d+, the catalog has \d+ \(delete\)/],
  ['delete and add', /version \d+, the catalog has \d+ \(add\)/],
  ['add, then compact', /version \d+, the catalog has \d+ \(/],
  ['overwrite', /version \d+, the catalog has \d+ \(overwrite\)/],
  ['add, then cleaned', /version \d+, the catalog has \d+, which was removed/],
  ['made anew', /version 1 belongs to a new table of the same name/],
  ['removed', /the table of bucket_00001 is missing: another client removed it/],
];
const HARMLESS = ['compact', 'scalar index', 'drop index', 'add column', 'drop column', 'many', 'restored'];
/** The strategies. Without `auto`, whose choice and answer depend on the machine. */
const MODES = ['exact', 'scan', 'ann', 'auto'];
const SURE_MODES = MODES.slice(0, 3);
const options = (mode: string) => ['--search', mode, '--k', '5', ...(mode === 'auto' ? [] : ['--nprobes', '1000'])];

describe.skipIf(skip)('a table that another client changed', () => {
  let folder = '';
  let queries = '';
  let tableVersion = 0;
  let ids = '';
  // Two fragments, so that compaction has work to do: 4096 rows of this dimension are 16 MiB.
  const rows = { ...randomRows(1, 4600, 1024), ids: Array.from({ length: 4600 }, (_, i) => `r${i}`) };
  const queryRows = { ...sliceRows(rows, 0, 10), ids: Array.from({ length: 10 }, (_, i) => `q${i}`) };
  const copyFor = (operation: string) => join(folder, operation.replaceAll(/\W+/g, '-'));
  const before = new Map<string, Buffer>();

  beforeAll(async () => {
    folder = await sharedFolder();
    const built = await buildWithQueries(folder, { rows, queries: queryRows }, 'cosine');
    ({ queries } = built);
    const entry = JSON.parse(await readFile(join(built.database, '_catalog', `${BUCKET}.json`), 'utf8'));
    ({ tableVersion } = entry);
    expect(entry.fragments).toHaveLength(2);
    for (const mode of MODES) {
      const { hits, bytes } = await searchHere(folder, built.database, queries, options(mode));
      before.set(mode, bytes);
      // The index finds most of the neighbours.
      if (mode === 'exact' || mode === 'scan')
        expectSameHits(hits, bruteForce(queryRows, rows, 'cosine', 5, BUCKET), 1e-5);
    }
    ids = join(folder, 'ids.txt');
    await writeFile(ids, 'r5\nr4599\n');
    const operations = [...CHANGES.map(([name]) => name), ...HARMLESS, 'compacted and cleaned'];
    for (const name of operations) await cp(built.database, copyFor(name), { recursive: true });
    process.env.VERSION = `${tableVersion}`;
    await python(OPERATIONS, JSON.stringify(operations.map((name) => [name, copyFor(name)])));
  });

  const argv = (command: string, database: string) => [command, '--database', database];
  const others = (database: string) => [
    [...argv('fetch-queries', database), '--ids', ids, '--output', join(folder, 'fetched.h5')],
    [...argv('plan-search', database), '--queries', queries, '--output', join(folder, 'parts.json')],
    [...argv('pack-buckets', database), '--input', queries, '--check-ids', '--output', join(folder, 'more.json')],
    [...argv('verify', database), '--work', folder],
  ];

  it.each(CHANGES)('by %s is refused by every command that reads its rows', async (name, match) => {
    const database = copyFor(name);
    for (const mode of MODES) {
      const search = searchHere(folder, database, queries, options(mode));
      await expect(search, mode).rejects.toThrow(DataError);
      await expect(search, mode).rejects.toThrow(match);
      await expect(search).rejects.not.toThrow(/damaged/);
    }
    for (const command of others(database)) {
      const run = runHere(command);
      await expect(run, command[0]).rejects.toThrow(DataError);
      await expect(run, command[0]).rejects.toThrow(match);
    }
    const { entries } = (await runHere([...argv('catalog', database), '--json'])) as unknown as {
      entries: Array<{ state: { kind: string } }>;
    };
    expect(entries[0]!.state.kind).toMatch(/changed|removed|remade|missing/);
  });

  it.each(HARMLESS)('by %s, which changes no row, has the same answers as before', async (name) => {
    const database = copyFor(name);
    for (const mode of SURE_MODES) {
      const { bytes } = await searchHere(folder, database, queries, options(mode));
      expect(bytes.equals(before.get(mode)!), mode).toBe(true);
    }
    expect((await searchHere(folder, database, queries, options('auto'))).hits).toHaveLength(50);
    for (const command of others(database)) await runHere(command);
    const { entries } = (await runHere([...argv('catalog', database), '--json'])) as unknown as {
      entries: Array<{ state: { kind: string } }>;
    };
    expect(entries[0]!.state.kind).toBe('newer');
  });

  it('by compaction that removes older versions, has the same answers', async () => {
    const database = copyFor('compacted and cleaned');
    for (const mode of ['exact', 'scan']) {
      const { hits } = await searchHere(folder, database, queries, options(mode));
      expectSameHits(hits, bruteForce(queryRows, rows, 'cosine', 5, BUCKET), 1e-5);
    }
    const { hits } = await searchHere(folder, database, queries, options('ann'));
    expect(new Set(textOf(hits).filter((_, i) => i % 5 === 0))).toEqual(
      new Set(queryRows.ids.map((id) => `${id} r${id.slice(1)}`)),
    );
    for (const command of others(database)) await runHere(command);
    const { entries } = (await runHere([...argv('catalog', database), '--json'])) as unknown as {
      entries: Array<{ state: { kind: string } }>;
    };
    expect(entries[0]!.state.kind).toBe('compacted');
  });

  it('has the same answers once the catalog version is restored as the message says', async () => {
    const database = copyFor('update');
    const error = await searchHere(folder, database, queries, options('scan')).catch((thrown: Error) => thrown);
    const [, call] = /in Python: (lancedb\.connect\(.*\.restore\(\d+\))\)/.exec((error as Error).message) ?? [];
    await python(`import lancedb; ${call}`);
    const { bytes } = await searchHere(folder, database, queries, options('scan'));
    expect(bytes.equals(before.get('scan')!)).toBe(true);
  });

  it('is not overwritten by ingest-bucket until its entry is removed', async () => {
    const plan = ['--plan', join(folder, 'plan.json'), '--bucket', BUCKET, '--database', copyFor('delete')];
    await expect(runHere(['ingest-bucket', ...plan])).rejects.toThrow(/changed by another client/);
    await expect(
      runHere(['index-bucket', '--bucket', BUCKET, '--database', copyFor('delete'), '--index', 'ivf-pq']),
    ).rejects.toThrow(/changed by another client/);
  });
});

describe.skipIf(skip || missingServer('moto'))('the same on S3', () => {
  const held = withDatabases();
  const rows = { ...randomRows(3, 1500, 32), ids: Array.from({ length: 1500 }, (_, i) => `r${i}`) };
  const queryRows = { ...sliceRows(rows, 0, 10), ids: Array.from({ length: 10 }, (_, i) => `q${i}`) };
  const database = 's3://lance/clients';
  let folder = '';
  let queries = '';
  const before = new Map<string, Buffer>();

  beforeAll(async () => {
    folder = await sharedFolder();
    queries = await writeShard(join(folder, 'queries.h5'), queryRows);
    const work = ['--work', join(folder, 'build')];
    const shards = [await writeShard(join(folder, 'rows.h5'), rows)];
    await buildDatabase(folder, shards, { database, ingest: work, index: [...work, '--index', 'ivf-rq'] });
    for (const [name, options] of places()) before.set(name, (await search(options)).bytes);
  });

  /** Every strategy, in place and fetched. A copy that this machine kept from before the change must not answer. */
  const places = (modes = MODES) =>
    modes.flatMap((mode) =>
      [['--stream'], [], ['--work', join(folder, 'kept')]].map((place): [string, string[]] => [
        `${mode} ${place[0] ?? 'fetched'}`,
        [...options(mode), ...place],
      ]),
    );
  const search = (extra: string[]) => searchHere(folder, database, queries, extra);
  const operate = async (...names: string[]) => {
    Object.assign(process.env, held.server.env);
    await python(OPERATIONS, JSON.stringify(names.map((name) => [name, database])));
    await closeS3();
  };

  it('stops every strategy in every place, and answers again once its version is restored', async () => {
    const { entries } = (await runHere(['catalog', '--database', database, '--json'])) as unknown as {
      entries: Array<{ tableVersion: number }>;
    };
    process.env.VERSION = `${entries[0]!.tableVersion}`;
    for (const name of ['update', 'delete and add']) {
      await operate(name);
      for (const [place, extra] of places())
        await expect(search(extra), place).rejects.toThrow(
          /was changed by another client: version \d+, the catalog has/,
        );
      await operate('restored');
    }
    await operate('scalar index', 'add column');
    for (const [place, extra] of places(SURE_MODES))
      expect((await search(extra)).bytes.equals(before.get(place)!), place).toBe(true);
    await runHere(['verify', '--database', database, '--work', folder]);
    await operate('removed');
    for (const [place, extra] of places())
      await expect(search(extra), place).rejects.toThrow(/the table of bucket_00001 is missing/);
  });
});
