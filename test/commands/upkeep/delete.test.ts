import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { DataError } from '../../../workers/src/base/errors.ts';
import { fingerprint } from '../../../workers/src/database/catalog/catalog-entry.ts';
import { Database } from '../../../workers/src/database/database.ts';
import { runHere, type Spoken } from '../../support/command.ts';
import { bruteForce, buildDatabase, namesIn } from '../../support/database.ts';
import { missingPython, python, sharedFolder } from '../../support/run.ts';
import { expectSameHits, searchHere } from '../../support/search.ts';
import { type Rows, randomRows, sliceRows, writeShard } from '../../support/shards.ts';

const DIMENSION = 32;
const BUCKETS = ['bucket_00001', 'bucket_00002'];
const ALL_PARTITIONS = ['--nprobes', '1000', '--refine-factor', '1000'];
const STRATEGIES: [string, string[]][] = [
  ['exact', ['--search', 'exact']],
  ['scan', ['--search', 'scan', '--nprobes', '1000']],
  ['scan of few partitions', ['--search', 'scan', '--nprobes', '1', '--k', '400']],
  ['ann', ['--search', 'ann', ...ALL_PARTITIONS]],
];

/** Returns the rows whose ids are not in the set. */
function without(rows: Rows, ids: ReadonlySet<string>): Rows {
  const kept = [...rows.ids.keys()].filter((row) => !ids.has(rows.ids[row]!));
  const vectors = new Float32Array(kept.length * rows.dimension);
  for (const [i, row] of kept.entries())
    vectors.set(rows.vectors.subarray(row * rows.dimension, (row + 1) * rows.dimension), i * rows.dimension);
  return { dimension: rows.dimension, ids: kept.map((row) => rows.ids[row]!), vectors };
}

describe('delete', () => {
  let folder = '';
  let built = '';
  let queries = '';
  // Two builds, whose ids 0 to 99 are the same.
  const first = randomRows(1, 3000, DIMENSION);
  const second = randomRows(2, 1500, DIMENSION);
  for (let i = 100; i < 1500; i++) second.ids[i] = `s${i}`;
  const asked = { ...sliceRows(first, 0, 40), ids: Array.from({ length: 40 }, (_, i) => `q${i}`) };
  // Every third row, so the nearest row of every third query, and a whole run of rows.
  const list = [...first.ids.keys()]
    .filter((row) => row % 3 === 0 || (row > 700 && row < 2000))
    .map((row) => `p${row}`);
  const deleted = new Set(list);

  beforeAll(async () => {
    process.env.LANCEFLOW_UNIT_BYTES = '65536';
    folder = await sharedFolder();
    const shards = [await writeShard(join(folder, 'a.h5'), first), await writeShard(join(folder, 'b.h5'), second)];
    ({ database: built } = await buildDatabase(folder, [shards[0]!]));
    await cp(join(folder, 'plan.json'), join(folder, 'first.json'));
    await buildDatabase(folder, [shards[1]!]);
    delete process.env.LANCEFLOW_UNIT_BYTES;
    queries = await writeShard(join(folder, 'q.h5'), asked);
  });

  async function copyOf(name: string): Promise<string> {
    const copy = join(folder, name);
    await cp(built, copy, { recursive: true });
    return copy;
  }

  async function deleteIds(database: string, ids: readonly string[], spoken?: Spoken) {
    const path = join(folder, 'ids.txt');
    await writeFile(path, ids.join('\n'));
    return runHere(['delete', '--database', database, '--ids', path], spoken);
  }

  const searched = (database: string, bucket: string, options: string[]) =>
    searchHere(folder, database, queries, [...(options.includes('--k') ? [] : ['--k', '5']), ...options], bucket);

  it('is honoured by every strategy, also after a second deletion', async () => {
    const database = await copyOf('honoured');
    const parts = [list.slice(0, 500), list.slice(500)];
    const gone = new Set<string>();
    for (const part of parts) {
      await deleteIds(database, part);
      for (const id of part) gone.add(id);
      for (const [bucket, rows] of [
        [BUCKETS[0]!, without(first, gone)],
        [BUCKETS[1]!, without(second, gone)],
      ] as const) {
        const { rows: counted } = await (await Database.open(database)).requireEntry(bucket);
        expect(counted).toBe(rows.ids.length);
        for (const [name, options] of STRATEGIES) {
          const k = options.includes('--k') ? 400 : 5;
          const { hits, result } = await searched(database, bucket, options);
          expect(result.bucketRows, name).toBe(rows.ids.length);
          if (name !== 'scan of few partitions')
            expectSameHits(hits, bruteForce(asked, rows, 'cosine', k, bucket), 1e-5);
          else expect([hits.length, hits.some(({ target }) => gone.has(target))]).toEqual([400 * 40, false]);
        }
      }
    }
    await runHere(['verify', '--database', database, '--no-ids']);
  });

  it('deletes all rows of a repeated id, and lists the ids that are not there', async () => {
    const database = await copyOf('repeated');
    const spoken: Spoken = { lines: [] };
    const result = await deleteIds(database, ['p7', 'absent', 'p7', 's100', '=1+1'], spoken);
    expect(result).toMatchObject({ rows: 3, buckets: { [BUCKETS[0]!]: 1, [BUCKETS[1]!]: 2 } });
    expect(result.missing).toEqual(['absent', '=1+1']);
    expect(spoken.lines.join('\n')).toContain('2 of 4 ids are not in');
    const again = await deleteIds(database, ['p7']);
    expect(again).toMatchObject({ rows: 0, buckets: {}, missing: ['p7'] });
  });

  it('leaves a bucket of an earlier version that index-bucket measures, without building it again', async () => {
    const folderOf = await copyOf('unmeasured');
    await deleteIds(folderOf, list);
    const database = await Database.open(folderOf);
    const { nullDistances: _, ...plain } = await database.requireEntry(BUCKETS[0]!);
    const old = { ...plain, fingerprint: fingerprint(plain) };
    await database.writeEntry(old);
    const merged = async () => {
      await searched(folderOf, BUCKETS[0]!, []);
      const [hits, output] = [`${BUCKETS[0]}.parquet`, 'n.parquet'].map((name) => join(folder, name)) as [
        string,
        string,
      ];
      return runHere(['merge-hits', '--input', hits, '--k', '5', '--max-evalue', '1', '--output', output]);
    };
    await expect(merged()).rejects.toThrow('Run index-bucket again');
    const files = await namesIn(folderOf);
    const spoken: Spoken = { lines: [] };
    const index = () => runHere(['index-bucket', '--bucket', BUCKETS[0]!, '--database', folderOf], spoken);
    expect(await index()).toMatchObject({ rows: old.rows, alreadyDone: true });
    expect(spoken.lines.join('\n')).toContain('measured the distances of unrelated proteins');
    expect(await namesIn(folderOf)).toEqual(files);
    const measured = await database.requireEntry(BUCKETS[0]!);
    const revision = { ...old.revision, of: [...old.revision!.of, old.fingerprint] };
    const { nullDistances, fingerprint: print } = measured;
    expect(measured).toEqual({ ...old, nullDistances, fingerprint: print, revision });
    expect(nullDistances!.sampledRows).toBeGreaterThan(500);
    await merged();
    await index();
    expect(await database.requireEntry(BUCKETS[0]!)).toEqual(measured);
  });

  it('finds ids with quotes, commas and line ends, and no others', async () => {
    const own = join(folder, 'odd');
    await mkdir(own);
    const ids = ["it's", 'say "x"', 'a,b', 'two\nlines', 'two', 'lines', "'; DROP TABLE x; --", 'é', 'plain'];
    const odd = { ...sliceRows(first, 0, ids.length), ids };
    const { database } = await buildDatabase(own, [await writeShard(join(own, 'odd.h5'), odd)]);
    const quoted = (id: string) => `"${id.replaceAll('"', '""')}"`;
    const gone = ids.filter((id) => !['two', 'lines', 'plain'].includes(id));
    const list = join(own, 'ids.csv');
    await writeFile(list, `name,id\n${[...gone, 'no "such"\nid'].map((id, i) => `${i},${quoted(id)}`).join('\n')}\n`);
    const spoken: Spoken = { lines: [] };
    const result = await runHere(['delete', '--database', database, '--ids', list], spoken);
    expect(result).toMatchObject({ rows: gone.length, missing: ['no "such"\nid'] });
    // The warning stays one line.
    expect(spoken.lines.every((line) => !line.includes('\n'))).toBe(true);
    const { hits } = await searchHere(own, database, queries, ['--k', '9', '--search', 'exact']);
    expect([...new Set(hits.map(({ target }) => target))].sort()).toEqual(['lines', 'plain', 'two']);
  });

  it('changes the fingerprints of the buckets with deleted rows alone', async () => {
    const database = await copyOf('fingerprints');
    const print = async () => (await (await Database.open(database)).entries()).map(({ fingerprint }) => fingerprint);
    const before = await print();
    await deleteIds(database, ['s200']);
    const after = await print();
    expect(after[0]).toBe(before[0]);
    expect(after[1]).not.toBe(before[1]);
    const { revision } = await (await Database.open(database)).requireEntry(BUCKETS[1]!);
    expect(revision).toEqual({ of: [before[1]], removedRows: 1, addedRows: 0 });
  });

  it('is not undone by a build of the same input', async () => {
    const database = await copyOf('rebuilt');
    await deleteIds(database, list);
    for (const name of ['a.h5', 'b.h5'])
      expect((await buildDatabase(folder, [join(folder, name)], { database })).buckets).toEqual([]);
    const plan = join(folder, 'first.json');
    await runHere([
      'ingest-bucket',
      '--plan',
      plan,
      '--bucket',
      BUCKETS[0]!,
      '--database',
      database,
      '--vector-type',
      'float16',
    ]);
    await runHere(['index-bucket', '--bucket', BUCKETS[0]!, '--database', database, '--index', 'ivf-pq']);
    const entry = await (await Database.open(database)).requireEntry(BUCKETS[0]!);
    expect([entry.rows, entry.vectorType]).toEqual([without(first, deleted).ids.length, 'float32']);
  });

  it('deletes all rows of a bucket, which then has no hits', async () => {
    const database = await copyOf('emptied');
    await deleteIds(database, second.ids);
    const entry = await (await Database.open(database)).requireEntry(BUCKETS[1]!);
    expect([entry.rows, entry.deletedRows]).toEqual([0, 1500]);
    for (const [, options] of STRATEGIES) expect((await searched(database, BUCKETS[1]!, options)).hits).toEqual([]);
    const ids = join(folder, 'one.txt');
    await writeFile(ids, 'p200');
    const answer = join(folder, 'empty.csv');
    await runHere(['ask', '--id', 'p200', '--database', database, '--k', '3', '--output', answer]);
    expect((await readFile(answer, 'utf8')).trim().split('\n')).toHaveLength(4);
    await runHere(['verify', '--database', database]);
  });

  it('refuses a table that another client changed, and names the command', async () => {
    const database = await copyOf('foreign');
    const table = await (await Database.open(database)).tables.open(BUCKETS[1]!);
    await table.delete("id = 's150'");
    table.close();
    const failure = deleteIds(database, ['s151']);
    await expect(failure).rejects.toThrow(DataError);
    await expect(failure).rejects.toThrow(/lanceflow adopt --database .*foreign --bucket bucket_00002/);
  });

  it.skipIf(missingPython())('leaves a table that Python reads and searches', async () => {
    const database = await copyOf('python');
    await deleteIds(database, list);
    const found = await python<{ count: number; ids: string[]; nearest: string[] }>(
      `import json, sys, lancedb
t = lancedb.connect(sys.argv[1]).open_table('bucket_00001')
rows = t.search().select(['id']).limit(None).to_arrow()['id'].to_pylist()
q = json.loads(sys.argv[2])
near = [t.search(v).distance_type('cosine').nprobes(1000).refine_factor(50).limit(1).to_list()[0]['id'] for v in q]
t.add(t.head(1)); t.delete("id = 'p1'")
print(json.dumps(dict(count=t.count_rows(), ids=rows, nearest=near)))`,
      database,
      JSON.stringify(
        Array.from({ length: 10 }, (_, i) => [...asked.vectors.subarray(i * DIMENSION, (i + 1) * DIMENSION)]),
      ),
    );
    const left = without(first, deleted);
    expect(found.ids.sort()).toEqual(left.ids.slice().sort());
    const expected = bruteForce(sliceRows(asked, 0, 10), left, 'cosine', 1, BUCKETS[0]!);
    expect(found.nearest).toEqual(
      Array.from({ length: 10 }, (_, i) => expected.find(({ query }) => query === `q${i}`)!.target),
    );
    expect(Math.abs(found.count - left.ids.length)).toBeLessThanOrEqual(1);
  });
});
