import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { CatalogEntry } from '../../workers/src/database/catalog/catalog-entry.ts';
import { CLIENTS, missingClients, runClient } from '../support/clients.ts';
import { runHere } from '../support/command.ts';
import { buildDatabase } from '../support/database.ts';
import { missingPython, python, temporaryFolder } from '../support/run.ts';
import { h5py } from '../support/shards.ts';

/** Reads a table with Python's LanceDB: each column by id, and a filtered count. */
const READ = `
import lancedb, json, sys
table = lancedb.connect(sys.argv[1]).open_table('bucket_00001')
rows = table.to_arrow()
names = [name for name in rows.schema.names if name != 'embedding']
columns = {name: rows[name].to_pylist() for name in names}
filtered = {where: sorted(table.search().where(where).limit(100000).to_arrow()['id'].to_pylist()) for where in json.loads(sys.argv[2])}
print(json.dumps({'schema': [f'{f.name} {f.type}' for f in rows.schema][1:], 'columns': columns, 'filtered': filtered}))`;

interface Table {
  schema: string[];
  columns: Record<string, unknown[]>;
  filtered: Record<string, string[]>;
}

/** Rows of a table by id. */
function byId({ columns: { id: ids = [], ...columns } }: Table): Map<string, Record<string, unknown>> {
  return new Map(
    ids.map((id, row) => [
      id as string,
      Object.fromEntries(Object.keys(columns).map((name) => [name, columns[name]![row]])),
    ]),
  );
}

async function readEntry(database: string): Promise<CatalogEntry> {
  return JSON.parse(await readFile(join(database, '_catalog/bucket_00001.json'), 'utf8')) as CatalogEntry;
}

const PROTEINS = Array.from({ length: 1300 }, (_, i) => {
  const description = [`protein ${i} <b>OS=E. coli</b>`, '', '=SUM(A1)', 'Müller', 'a\tb'][i % 5]!;
  return { id: `p${i}`, description, sequence: `M${'ACDEFGHIKLNPQRSTVWY'.slice(i % 17)}`.repeat(1 + (i % 90)) };
});

describe.skipIf(missingPython())('columns of FASTA', () => {
  it('are in the rows of their ids, in order of partitions and after indexing, for every LanceDB client', async () => {
    const folder = await temporaryFolder();
    const text = PROTEINS.map(({ id, description, sequence }) => `>${id} ${description}\n${sequence.toLowerCase()}*\n`);
    await writeFile(join(folder, 'a.fasta'), text.join(''));
    await runHere([
      'embed-sequences',
      '--model',
      'kmer',
      '--input',
      join(folder, 'a.fasta'),
      '--output',
      join(folder, 'a.h5'),
    ]);
    const { database } = await buildDatabase(folder, [join(folder, 'a.h5')], { index: ['--index', 'ivf-pq'] });
    const expected = new Map(
      PROTEINS.map(({ id, description, sequence }) => [id, { description: description.replace('\t', ' '), sequence }]),
    );
    const where = "description = '=SUM(A1)'";
    const filtered = PROTEINS.filter(({ description }) => description === '=SUM(A1)')
      .map(({ id }) => id)
      .sort();
    for (const client of missingClients() ? CLIENTS.slice(-1) : CLIENTS) {
      const table = await runClient<Table>(client, READ, database, JSON.stringify([where]));
      expect(table.schema).toEqual(['id string', 'description string', 'sequence string']);
      expect(byId(table)).toEqual(expected);
      expect(table.filtered[where]).toEqual(filtered);
    }
    const { columns, residues, fragments, files } = await readEntry(database);
    expect(residues).toBe(PROTEINS.reduce((sum, { sequence }) => sum + sequence.length, 0));
    expect(columns).toEqual([
      { name: 'description', type: 'utf8' },
      { name: 'sequence', type: 'utf8' },
    ]);
    expect(files.map(({ path }) => path)).toEqual(
      expect.arrayContaining(fragments!.map((fragment) => fragment.columns)),
    );
    expect(await runHere(['verify', '--database', database])).toMatchObject({ rows: PROTEINS.length });
  });

  it('are left out by --keep none, which leaves the content hash as it is without them', async () => {
    const folder = await temporaryFolder();
    const fasta = join(folder, 'a.fasta');
    await writeFile(fasta, '>a first\nMKV\n>b second\nMKT\n');
    const describe = async (name: string, ...keep: string[]) => {
      const [shard, description] = [join(folder, `${name}.h5`), join(folder, `${name}.description`)];
      await runHere([
        'embed-sequences',
        '--model',
        'kmer',
        '--input',
        fasta,
        '--output',
        shard,
        '--description',
        description,
        ...keep,
      ]);
      return JSON.parse((await readFile(description, 'latin1')).split('\n')[0]!) as Record<string, unknown>;
    };
    const none = await describe('none', '--keep', 'none');
    const both = await describe('both');
    const one = await describe('one', '--keep', 'sequence');
    expect(none).not.toHaveProperty('columns');
    expect(both.rowHash).toBe(none.contentHash);
    expect(one.columns).toEqual([{ name: 'sequence', type: 'utf8' }]);
    expect(new Set([none, both, one].map(({ contentHash }) => contentHash)).size).toBe(3);
  });
});

describe.skipIf(missingPython())('columns of HDF5', () => {
  it('are null where a shard lacks them or has NaN, and keep their types', async () => {
    const folder = await temporaryFolder();
    await h5py(
      folder,
      `
for name, rows in (('a', 1100), ('b', 150), ('c', 10)):
    shard(f'{name}.h5', rng.standard_normal((rows, 16), 'f4'), [f'{name}{i}' for i in range(rows)])
with h5py.File('a.h5', 'a') as f:
    f['taxon'] = [f't{i % 3}é' for i in range(1100)]
    f['length'] = np.arange(1100, dtype='>i4') - 5
    f['score'] = np.where(np.arange(1100) % 4 == 0, np.nan, np.arange(1100) / 2).astype('f4')
    f['matrix'] = np.zeros((1100, 2))
with h5py.File('b.h5', 'a') as f:
    f.create_dataset('length', data=np.arange(150, dtype='u8') + 2**62, compression='gzip', chunks=(64,))
    f['code'] = np.array([f'c{i}' for i in range(150)], 'S9')
print('null')`,
    );
    const shards = ['a', 'b', 'c'].map((name) => join(folder, `${name}.h5`));
    // A copy by import-vectors keeps them too.
    const copy = join(folder, 'copy.h5');
    await runHere(['import-vectors', '--input', shards[0]!, '--keep', 'all', '--output', copy]);
    shards[0] = copy;
    const plan = join(folder, 'plan.json');
    await runHere(['pack-buckets', '--input', ...shards, '--keep', 'all', '--output', plan]);
    const database = join(folder, 'db');
    await runHere(['ingest-bucket', '--plan', plan, '--bucket', 'bucket_00001', '--database', database]);
    await runHere(['index-bucket', '--bucket', 'bucket_00001', '--database', database]);
    const wheres = ['length > 1000 and score > 540', 'score is null', "code = 'c7'"];
    const table = await python<Table>(READ, database, JSON.stringify(wheres));
    expect(table.schema).toEqual(['id string', 'length int64', 'score double', 'taxon string', 'code string']);
    const rows = byId(table);
    expect(rows.size).toBe(1260);
    for (let i = 0; i < 1100; i++)
      expect(rows.get(`a${i}`)).toEqual({
        length: i - 5,
        score: i % 4 === 0 ? null : i / 2,
        taxon: `t${i % 3}é`,
        code: null,
      });
    expect(rows.get('b149')).toEqual({ length: 2 ** 62 + 149, score: null, taxon: null, code: 'c149' });
    expect(rows.get('c9')).toEqual({ length: null, score: null, taxon: null, code: null });
    expect(table.filtered[wheres[0]!]).toEqual(
      Array.from({ length: 1100 }, (_, i) => i)
        .filter((i) => i - 5 > 1000 && i % 4 > 0 && i / 2 > 540)
        .map((i) => `a${i}`)
        .sort(),
    );
    expect(table.filtered[wheres[1]!]).toHaveLength(275 + 160);
    expect(table.filtered[wheres[2]!]).toEqual(['b7']);
    expect(await runHere(['verify', '--database', database])).toMatchObject({ rows: 1260 });
  });
});
