import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { openShard } from '../../workers/src/shard/shard-reader.ts';
import { runHere } from '../support/command.ts';
import { buildDatabase, readHitRows } from '../support/database.ts';
import { rowOf } from '../support/kinds-of-rows.ts';
import { expectRefusalHere } from '../support/refusal.ts';
import { sharedFolder } from '../support/run.ts';
import { type Rows, randomRows, readShard, sliceRows, writeShard } from '../support/shards.ts';

const MODEL = { model: 'esm', model_hash: 'abc' };

let folder = '';
let database = '';
let rows: Rows;
const at = (name: string) => join(folder, name);

beforeAll(async () => {
  folder = await sharedFolder();
  rows = randomRows(5, 3000, 12);
  // Hostile ids, and one in two buckets.
  rows.ids[7] = "x'; DROP TABLE y; --";
  rows.ids[1501] = 'ø, "quoted"';
  rows.ids[1502] = ' spaces, and\r\na line ';
  rows.ids[2999] = 'p3';
  // Two builds: within one build, ids must be unique.
  for (const [name, first] of [['a.h5', 0] as const, ['b.h5', 1500] as const]) {
    const shard = await writeShard(at(name), sliceRows(rows, first, first + 1500), MODEL);
    ({ database } = await buildDatabase(folder, [shard], { index: ['--index', 'ivf-rq'] }));
  }
});

async function fetch(ids: string, name = 'ids.txt', db = database) {
  await writeFile(at(name), ids);
  return runHere(['fetch-queries', '--ids', at(name), '--database', db, '--output', at('queries.h5')]);
}

describe('fetch-queries', () => {
  it('writes the vectors of ids in several buckets, with the model of the database', async () => {
    const wanted = [0, 7, 1499, 1500, 1501, 2998];
    const result = await fetch(`${wanted.map((row) => rows.ids[row]).join('\n')}\n`);
    expect(result).toMatchObject({ rows: 6, buckets: { bucket_00001: 3, bucket_00002: 3 } });
    const shard = await openShard(at('queries.h5'));
    expect(shard.attributes).toEqual(MODEL);
    shard.close();
    const { ids, vectors } = await readShard(at('queries.h5'));
    expect([...ids].sort()).toEqual(wanted.map((row) => rows.ids[row]!).sort());
    for (const [i, id] of ids.entries()) {
      const row = rows.ids.indexOf(id);
      expect([...rowOf(vectors, i, 12)]).toEqual([...rowOf(rows.vectors, row, 12)]);
    }
  });

  it('takes an id from the later of two buckets, and reads a .csv', async () => {
    await fetch('rank,id\n1,p3\n', 'ids.csv');
    const { vectors } = await readShard(at('queries.h5'));
    expect(vectors).toEqual(rows.vectors.slice(2999 * 12));
  });

  it('keeps quoted ids of a .csv unchanged', async () => {
    await fetch('id\n" spaces, and\r\na line "\n"ø, ""quoted"""\n', 'quoted.csv');
    const { ids } = await readShard(at('queries.h5'));
    expect(ids.sort()).toEqual([rows.ids[1502], rows.ids[1501]].sort());
  });

  it('finds the relatives of a protein with --exclude-self', async () => {
    await fetch('p10\np2000\n');
    const output = at('hits.parquet');
    const where = ['--bucket', 'bucket_00001', '--database', database, '--queries', at('queries.h5')];
    const options = ['--k', '3', '--search', 'exact', '--output', output];
    await runHere(['search-bucket', ...where, ...options]);
    const self = (await readHitRows(output)).find(({ query }) => query === 'p10');
    expect(self).toMatchObject({ target: 'p10', distance: 0 });
    await runHere(['search-bucket', ...where, ...options, '--exclude-self']);
    const hits = await readHitRows(output);
    expect(hits).toHaveLength(6);
    expect(hits.filter(({ query, target }) => query === target)).toEqual([]);
  });

  it('reads float16 tables', async () => {
    const half = { ...rows, vectors: rows.vectors.map(Math.f16round) };
    const shard = await writeShard(at('half/h.h5'), sliceRows(half, 0, 300));
    const built = await buildDatabase(at('half'), [shard], { ingest: ['--vector-type', 'float16'] });
    await fetch('p5\np299\n', 'ids.txt', built.database);
    const { ids, vectors } = await readShard(at('queries.h5'));
    for (const [i, id] of ids.entries()) {
      const row = half.ids.indexOf(id);
      expect(vectors.slice(i * 12, i * 12 + 12)).toEqual(half.vectors.slice(row * 12, row * 12 + 12));
    }
  });

  it('names missing ids, and writes nothing', async () => {
    const ids = ['p1', ...Array.from({ length: 7 }, (_, i) => `no${i}`)];
    await writeFile(at('mixed.txt'), ids.join('\n'));
    const command = ['fetch-queries', '--ids', at('mixed.txt'), '--database', database, '--output', at('none.h5')];
    await expectRefusalHere(
      command,
      65,
      /mixed\.txt: 7 of 8 ids are not in the database/,
      /"no0", "no1".*"no4", \.\.\./,
    );
    expect(existsSync(at('none.h5'))).toBe(false);
  });

  it.each<[string, (args: { ids: string; database: string; output: string }) => object, number, RegExp]>([
    ['a database without buckets', () => ({ database: 'nothing' }), 65, /no buckets/],
    ['a missing list', () => ({ ids: 'absent.txt' }), 65, /absent\.txt/],
    ['the list as output', ({ ids }) => ({ output: ids }), 64, /names the file with the ids/],
  ])('refuses %s', async (_, change, code, message) => {
    await writeFile(at('one.txt'), 'p1\n');
    const plain = { ids: at('one.txt'), database, output: at('one.h5') };
    const changed = { ...plain, ...change(plain) };
    const args = Object.entries(changed).flatMap(([name, value]) => [`--${name}`, value]);
    await expectRefusalHere(['fetch-queries', ...args], code, message);
  });
});
