import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Field, Schema, Utf8 } from 'apache-arrow';
import { describe, expect, it } from 'vitest';
import { columnFrom } from '../../workers/src/base/bytes/utf8-column.ts';
import { TableHistory, versionsIn } from '../../workers/src/database/table-history.ts';
import { commitTable } from '../../workers/src/lance/commit-table.ts';
import { dataFileName } from '../../workers/src/lance/format/data-file-name.ts';
import { DataFileWriter } from '../../workers/src/lance/format/data-file-writer.ts';
import { readManifest } from '../../workers/src/lance/format/table-manifest.ts';
import { connect, Index } from '../../workers/src/lance/lancedb.ts';
import { fileSizes } from '../../workers/src/lance/table-files.ts';
import { tableSchema } from '../../workers/src/lance/table-schema.ts';
import type { VectorType } from '../../workers/src/vectors/vector-type.ts';
import { writeLanceTable } from '../support/lance-table.ts';
import { writeOwnTable } from '../support/own-table.ts';
import { temporaryFolder } from '../support/run.ts';
import { type Rows, randomRows, sliceRows } from '../support/shards.ts';
import { readTable } from '../support/table.ts';

/** The components of rows as `readTable` returns them; float16 as 16-bit words. */
function asStored({ vectors }: Rows, type: VectorType): Float32Array {
  return type === 'float32' ? vectors : Float32Array.from(new Uint16Array(new Float16Array(vectors).buffer));
}

async function manifestOf(folder: string) {
  const path = join(folder, '_versions');
  const [newest] = (await readdir(path)).filter((name) => name.endsWith('.manifest')).sort();
  return readManifest(await readFile(join(path, newest!)));
}

describe('dataFileName', () => {
  it('has Lance’s form, and differs for every seed and fragment', () => {
    const names = ['a', 'b'].flatMap((seed) => Array.from({ length: 500 }, (_, i) => dataFileName(seed, i)));
    for (const name of names) expect(name).toMatch(/^[01]{24}[0-9a-f]{26}\.lance$/);
    expect(new Set(names).size).toBe(1000);
    expect(dataFileName('b', 7)).toBe(names[507]);
  });
});

describe('commitTable', () => {
  it.each<[string, VectorType, number, number[]]>([
    ['one row', 'float32', 1, [1]],
    ['one component per row', 'float32', 1, [1000, 1, 37]],
    ['an odd number of components', 'float16', 7, [333, 2000]],
    ['960 components', 'float32', 960, [40, 50, 7]],
    ['2560 components', 'float16', 2560, [30, 31]],
  ])('makes a table of %s that LanceDB reads like its own', async (_, type, dimension, sizes) => {
    const folder = await temporaryFolder();
    const count = sizes.reduce((sum, size) => sum + size, 0);
    const rows = randomRows(count, count, dimension);
    const ids = rows.ids.map((id, row) => (row % 3 === 0 ? `${id}é蛋` : row === 1 ? '' : id));
    const { version } = await writeOwnTable(folder, 'own', { ...rows, ids }, type, sizes, 100);
    await writeLanceTable(folder, 'lance', { ...rows, ids }, type, sizes);
    const [own, lance] = [await readTable(folder, 'own'), await readTable(folder, 'lance')];
    expect(own.version).toBe(version);
    expect(own.schema).toBe(lance.schema);
    expect(own.rows).toEqual(lance.rows);
    expect(own.rows.ids).toEqual(ids);
    expect(own.rows.vectors).toEqual(asStored(rows, type));
    const described = async (name: string) => {
      const { fragments, columns } = await manifestOf(join(folder, `${name}.lance`));
      return { columns, fragments: fragments.map(({ files, ...rest }) => ({ ...rest, columns: files[0]!.columns })) };
    };
    expect(await described('own')).toEqual(await described('lance'));
  });

  it('makes a table that LanceDB filters, searches, indexes, appends to, deletes from and compacts', async () => {
    const folder = await temporaryFolder();
    const rows = randomRows(3, 3000, 32);
    await writeOwnTable(folder, 't', rows, 'float32', [1000, 1000, 1000], 77);
    const table = await (await connect(folder)).openTable('t');
    const ids = async (filter: string) => {
      const found = await table.query().where(filter).select(['id']).toArray();
      return found.map(({ id }: { id: string }) => id).sort();
    };
    const nearest = async (row: number) => {
      const query = rows.vectors.subarray(32 * row, 32 * row + 32);
      const found = await table.query().nearestTo(query).nprobes(1000).refineFactor(10).limit(1).toArray();
      return found[0]!.id as string;
    };
    expect(await ids("id IN ('p0', 'p1500', 'p2999', 'none')")).toEqual(['p0', 'p1500', 'p2999']);
    const taken = await table
      .takeRowIds([5n, 2n ** 32n, 2n * 2n ** 32n + 999n])
      .select(['id'])
      .toArrow();
    expect([...(taken.getChild('id') ?? [])]).toEqual(['p5', 'p1000', 'p2999']);
    expect(await nearest(2345)).toBe('p2345');

    await table.createIndex('embedding', { config: Index.ivfRq({ numPartitions: 20, distanceType: 'l2' }) });
    await table.createIndex('id', { config: Index.btree() });
    expect(await table.indexStats('embedding_idx')).toMatchObject({ numIndexedRows: 3000, numUnindexedRows: 0 });
    expect(await nearest(17)).toBe('p17');
    expect(await ids("id = 'p17'")).toEqual(['p17']);

    const more = randomRows(4, 10, 32, 'new');
    await table.add(more.ids.map((id, i) => ({ id, embedding: [...more.vectors.subarray(32 * i, 32 * i + 32)] })));
    await table.delete("id = 'p1001'");
    await table.optimize();
    expect(await table.countRows()).toBe(3009);
    expect(await ids("id IN ('p1001', 'p1002', 'new3')")).toEqual(['new3', 'p1002']);
    expect(await nearest(2999)).toBe('p2999');
    table.close();
  });

  it('makes a version from which later changes by other clients can be detected', async () => {
    const folder = await temporaryFolder();
    const rows = randomRows(5, 300, 8);
    const { version, files } = await writeOwnTable(folder, 't', rows, 'float32', [100, 100, 100]);
    const path = join(folder, 't.lance');
    const base = await manifestOf(path);
    expect(base.version).toBe(version);
    expect(base.fragments.map((fragment) => fragment.files[0]!.path)).toEqual(files.map(({ name }) => name));
    const table = await (await connect(folder)).openTable('t');
    await table.optimize();
    const history = async () => {
      const sizes = await fileSizes(path, '_versions');
      return new TableHistory(versionsIn(sizes.keys()), (file) => readFile(join(path, file)));
    };
    expect(await (await history()).compareWith(base)).toEqual({ keepsRows: true, operation: 'compact' });
    const own = { rows: 300, files: files.map((file) => ({ path: `data/${file.name}`, bytes: 0, checksum: '' })) };
    expect(await (await history()).isCompacted(own)).toBe(true);
    await table.checkout(version);
    await table.restore();
    await table.delete("id = 'p5'");
    table.close();
    expect(await (await history()).compareWith(base)).toEqual({ keepsRows: false, operation: 'delete' });
  });

  it('makes a table of fragments of several pages, with ids of up to 100 kB', async () => {
    const folder = await temporaryFolder();
    const rows = randomRows(8, 9000, 960);
    const ids = rows.ids.map((id, row) => id.padEnd(row % 1000 === 0 ? 100_000 : 600, 'é'));
    await writeOwnTable(folder, 't', { ...rows, ids }, 'float32', [9000], 700);
    const { rows: read } = await readTable(folder, 't');
    expect(read.ids).toEqual(ids);
    expect(Buffer.from(read.vectors.buffer).equals(Buffer.from(rows.vectors.buffer))).toBe(true);
    const table = await (await connect(folder)).openTable('t');
    const some = [0n, 1n, 4999n, 5000n, 8703n, 8704n, 8999n];
    const taken = await table.takeRowIds(some).toArrow();
    expect([...(taken.getChild('id') ?? [])]).toEqual(some.map((row) => ids[Number(row)]));
    const vectors = [...(taken.getChild('embedding') ?? [])].map((list) =>
      (list as { toArray(): Float32Array }).toArray(),
    );
    expect(vectors).toEqual(some.map((row) => rows.vectors.slice(960 * Number(row), 960 * Number(row) + 960)));
    table.close();
  });

  it('makes a table of several text columns, whose pages differ', async () => {
    const folder = await temporaryFolder();
    const path = join(folder, 't.lance/data');
    await mkdir(path, { recursive: true });
    const [rows, pieceRows] = [40_000, 999];
    const schema = new Schema([...tableSchema(1, 'float32').fields, new Field('taxon', new Utf8(), true)]);
    const vectors = { name: 'embedding', type: 'float32' as const, dimension: 1 };
    const name = dataFileName('seed', 0);
    const writer = new DataFileWriter(join(path, name), { vectors, texts: ['id', 'taxon'] }, rows);
    const idOf = (row: number) => `id-${row}`.repeat(row % 30);
    const taxonOf = (row: number) => (row % 2 === 0 ? '' : `${row % 7} é`);
    for (let first = 0; first < rows; first += pieceRows) {
      const numbers = Array.from({ length: Math.min(pieceRows, rows - first) }, (_, i) => first + i);
      const texts = [columnFrom(numbers.map(idOf)), columnFrom(numbers.map(taxonOf))];
      writer.append([new Uint8Array(Float32Array.from(numbers).buffer)], texts);
    }
    await commitTable(folder, 't', schema, [{ name, ...writer.finish() }]);
    const table = await (await connect(folder)).openTable('t');
    const found = await table.query().toArrow();
    const numbers = Array.from({ length: rows }, (_, row) => row);
    expect([...(found.getChild('id') ?? [])]).toEqual(numbers.map(idOf));
    expect([...(found.getChild('taxon') ?? [])]).toEqual(numbers.map(taxonOf));
    expect(await table.countRows("taxon = '5 é'")).toBe(numbers.filter((row) => taxonOf(row) === '5 é').length);
    table.close();
  });

  it('makes a table of 3,000 fragments in one version', async () => {
    const folder = await temporaryFolder();
    const rows = randomRows(6, 6000, 2);
    await writeOwnTable(folder, 't', rows, 'float32', Array(3000).fill(2));
    const { rows: read, version } = await readTable(folder, 't');
    expect(read).toEqual(rows);
    expect(version).toBe(2);
    expect(await readdir(join(folder, 't.lance/_versions'))).toHaveLength(2);
  });

  it('creates nothing if a data file is missing, and does not touch an existing table', async () => {
    const folder = await temporaryFolder();
    const rows = randomRows(7, 20, 2);
    const missing = { name: dataFileName('seed', 9), rows: 5, bytes: 100 };
    await expect(commitTable(folder, 't', tableSchema(2, 'float32'), [missing])).rejects.toThrow(/ENOENT/);
    expect(await readdir(folder)).toEqual([]);
    await writeOwnTable(folder, 't', rows, 'float32', [20]);
    await expect(commitTable(folder, 't', tableSchema(2, 'float32'), [])).rejects.toThrow(/exists/);
    expect((await readTable(folder, 't')).rows).toEqual(sliceRows(rows, 0, 20));
  });
});
