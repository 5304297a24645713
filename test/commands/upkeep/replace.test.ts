import { cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { DataError } from '../../../workers/src/base/errors.ts';
import { parsePlan } from '../../../workers/src/database/catalog/bucket-plan.ts';
import { Database } from '../../../workers/src/database/database.ts';
import { runHere, type Spoken } from '../../support/command.ts';
import { bruteForce, buildDatabase } from '../../support/database.ts';
import { sharedFolder } from '../../support/run.ts';
import { expectSameHits, searchHere } from '../../support/search.ts';
import { type Rows, randomRows, sliceRows, writeShard } from '../../support/shards.ts';

const DIMENSION = 16;

/** Returns all rows of two sets. */
function joinRows(one: Rows, other: Rows): Rows {
  return {
    dimension: one.dimension,
    ids: [...one.ids, ...other.ids],
    vectors: Float32Array.from([...one.vectors, ...other.vectors]),
  };
}

describe('a changed file', () => {
  let folder = '';
  let built = '';
  // Files a and b are in bucket_00001, c is in bucket_00002.
  const rows = randomRows(1, 3000, DIMENSION);
  const [a, b, c] = [sliceRows(rows, 0, 1000), sliceRows(rows, 1000, 2200), sliceRows(rows, 2200, 3000)];
  // Record 0 is withdrawn, 1 to 999 have other vectors, one is new.
  const changed: Rows = {
    dimension: DIMENSION,
    ids: [...a.ids.slice(1), 'new'],
    vectors: randomRows(2, 1000, DIMENSION).vectors,
  };
  const asked = { ...sliceRows(rows, 0, 20), ids: Array.from({ length: 20 }, (_, i) => `q${i}`) };

  beforeAll(async () => {
    folder = await sharedFolder();
    for (const [name, of] of Object.entries({ a, b, c })) await writeShard(join(folder, `${name}.h5`), of);
    await buildDatabase(folder, [join(folder, 'a.h5'), join(folder, 'b.h5')]);
    ({ database: built } = await buildDatabase(folder, [join(folder, 'c.h5')]));
    await writeShard(at('a2'), changed);
    await writeShard(at('q'), asked);
  });

  /** Copies the database, and the files to a folder of their own, under the names in its catalog. */
  async function copyOf(name: string): Promise<string> {
    const database = join(folder, name, 'db');
    await cp(built, database, { recursive: true });
    return database;
  }

  const at = (name: string) => join(folder, `${name}.h5`);
  const planOf = (database: string) => join(database, '../plan.json');

  async function pack(database: string, files: readonly string[], options: string[], spoken?: Spoken) {
    const names = files.map((name) => at(name.replace(/[0-9]$/, '')));
    const inputs = ['--input', ...files.map(at), '--name', ...names];
    const argv = ['pack-buckets', ...inputs, '--database', database, '--output', planOf(database), ...options];
    return runHere(argv, spoken);
  }

  async function buildPlanned(database: string, files: readonly string[]): Promise<void> {
    const { buckets } = parsePlan(await readFile(planOf(database), 'utf8'), planOf(database));
    for (const { bucket, sources } of buckets) {
      const shards = ['--shards', ...sources.map(({ shard }) => at(files[shard]!))];
      await runHere([
        'ingest-bucket',
        '--plan',
        planOf(database),
        '--bucket',
        bucket,
        '--database',
        database,
        ...shards,
      ]);
      await runHere(['index-bucket', '--bucket', bucket, '--database', database]);
    }
  }

  const deleteReplaced = (database: string, files: readonly string[]) =>
    runHere(['delete-replaced', '--database', database, '--plan', planOf(database), '--input', ...files.map(at)]);

  const entriesOf = async (database: string) => (await Database.open(database)).entries();

  async function expectRows(database: string, bucket: string, expected: Rows): Promise<void> {
    for (const strategy of ['exact', 'ann']) {
      const options = ['--search', strategy, '--k', '5', '--nprobes', '1000', '--refine-factor', '1000'];
      const { hits } = await searchHere(folder, database, at('q'), options, bucket);
      expectSameHits(hits, bruteForce(asked, expected, 'cosine', 5, bucket), 1e-5);
    }
  }

  /** Plans, builds and deletes. */
  async function replace(database: string, files: readonly string[]) {
    await pack(database, files, ['--replace']);
    await buildPlanned(database, files);
    return deleteReplaced(database, files);
  }

  it('is warned of, and stays beside its earlier version', async () => {
    const database = await copyOf('warned');
    const spoken: Spoken = { lines: [] };
    expect((await pack(database, ['a2'], [], spoken)).warnings).toEqual([
      expect.stringContaining('still in bucket_00001'),
    ]);
    expect(spoken.lines.join('\n')).toMatch(/a\.h5: its content has changed since it was added.* --replace/);
    expect(JSON.parse(await readFile(planOf(database), 'utf8')).replaced).toBeUndefined();
  });

  it('replaces its earlier version: the rows of that one go, and no others', async () => {
    const database = await copyOf('replaced');
    const files = ['a2', 'b', 'c'];
    expect(await replace(database, files)).toMatchObject({ rows: 1000, buckets: { bucket_00001: 1000 } });
    const entries = await entriesOf(database);
    expect(entries.map(({ bucket, rows: count }) => [bucket, count])).toEqual([
      ['bucket_00001', 1200],
      ['bucket_00002', 800],
      ['bucket_00003', 1000],
    ]);
    expect(entries[0]!.sources.map(({ path }) => path)).toEqual([at('b')]);
    // With -resume, a run that built the bucket with both files must not take this one for it.
    expect(entries[0]!.revision?.of).toEqual([]);
    await expectRows(database, 'bucket_00001', b);
    await expectRows(database, 'bucket_00003', changed);
    // Fails on a duplicated id.
    await runHere(['verify', '--database', database]);
    // Nothing is left to do, and nothing to warn of.
    const spoken: Spoken = { lines: [] };
    expect(await pack(database, files, [], spoken)).toMatchObject({ buckets: 0 });
    expect(spoken.lines).toEqual([]);
    expect(await replace(database, files)).toMatchObject({ rows: 0, buckets: {} });
    // The earlier version comes back as it goes, also after the buckets were merged.
    await runHere(['merge-buckets', '--database', database]);
    expect(await replace(database, ['a', 'b', 'c'])).toMatchObject({ rows: 1000 });
    const [merged, back] = await entriesOf(database);
    await expectRows(database, merged!.bucket, joinRows(b, c));
    await expectRows(database, back!.bucket, a);
    await runHere(['verify', '--database', database]);
  });

  it('removes a bucket that had its earlier version alone', async () => {
    const database = await copyOf('alone');
    await writeShard(at('c2'), { ...sliceRows(c, 0, 700), vectors: randomRows(3, 700, DIMENSION).vectors });
    expect(await replace(database, ['c2'])).toMatchObject({ rows: 800, buckets: { bucket_00002: 800 } });
    expect((await entriesOf(database)).map(({ bucket }) => bucket)).toEqual(['bucket_00001', 'bucket_00003']);
    await runHere(['verify', '--database', database]);
    expect(await (await Database.open(database)).pending()).toEqual([]);
  });

  it('replaces an earlier version of which rows were deleted', async () => {
    const database = await copyOf('deleted');
    const ids = join(folder, 'ids.txt');
    for (const [first, end] of [
      [990, 1010],
      [0, 1000],
    ]) {
      await writeFile(ids, rows.ids.slice(first, end).join('\n'));
      await runHere(['delete', '--database', database, '--ids', ids]);
      if (first === 0) continue;
      const other = await copyOf('deleted-partly');
      await cp(database, other, { recursive: true });
      expect(await replace(other, ['a2', 'b'])).toMatchObject({ rows: 990 });
      const [entry] = await entriesOf(other);
      expect([entry!.rows, entry!.revision?.removedRows]).toEqual([1190, 10]);
      await expectRows(other, 'bucket_00001', sliceRows(b, 10, 1200));
      await runHere(['verify', '--database', other]);
    }
    expect(await replace(database, ['a2', 'b'])).toMatchObject({ rows: 0, buckets: { bucket_00001: 0 } });
    await expectRows(database, 'bucket_00001', sliceRows(b, 10, 1200));
    await runHere(['verify', '--database', database]);
  });

  it('keeps its earlier version until all buckets of the plan are indexed', async () => {
    const database = await copyOf('early');
    await pack(database, ['a2', 'b'], ['--replace']);
    await expect(deleteReplaced(database, ['a2', 'b'])).rejects.toThrow(/does not have all rows of bucket_00003 yet/);
    expect((await entriesOf(database)).map(({ rows: count }) => count)).toEqual([2200, 800]);
    // A run that was killed after the build: the next plan has nothing to build, but the same rows to delete.
    await buildPlanned(database, ['a2', 'b']);
    expect(await replace(database, ['a2', 'b'])).toMatchObject({ rows: 1000 });
    await runHere(['verify', '--database', database]);
  });

  it('keeps its earlier version where another run has made that the new one meanwhile', async () => {
    const database = await copyOf('crossed');
    await pack(database, ['a2', 'b'], ['--replace']);
    await buildPlanned(database, ['a2', 'b']);
    await cp(planOf(database), join(folder, 'first.json'));
    // Both versions are in the database, and either can be asked for.
    await pack(database, ['a', 'b'], ['--replace']);
    const first = ['--plan', join(folder, 'first.json'), '--input', at('a2'), at('b')];
    await runHere(['delete-replaced', '--database', database, ...first]);
    const second = deleteReplaced(database, ['a', 'b']);
    await expect(second).rejects.toThrow(DataError);
    await expect(second).rejects.toThrow(/no longer has all rows of .*a\.h5/);
    expect((await entriesOf(database)).map(({ rows: count }) => count)).toEqual([1200, 800, 1000]);
  });

  it('is refused where a withdrawn id is also in another file', async () => {
    const database = await copyOf('shared');
    const e = { ...sliceRows(randomRows(5, 100, DIMENSION, 'e'), 0, 100) };
    await writeShard(at('e'), { ...e, ids: [a.ids[0]!, ...e.ids.slice(1)] });
    await pack(database, ['e'], []);
    await buildPlanned(database, ['e']);
    await runHere(['merge-buckets', '--database', database]);
    await writeFile(join(folder, 'ids.txt'), b.ids[0]!);
    await runHere(['delete', '--database', database, '--ids', join(folder, 'ids.txt')]);
    await expect(replace(database, ['a2', 'b', 'c', 'e'])).rejects.toThrow(/ids do not tell which rows/);
    expect((await entriesOf(database)).map(({ rows: count }) => count)).toEqual([3099, 1000]);
  });

  it('is refused where the rows of its earlier version cannot be told apart', async () => {
    const database = await copyOf('unknown');
    const alone = pack(database, ['a2'], ['--replace']);
    await expect(alone).rejects.toThrow(DataError);
    await expect(alone).rejects.toThrow(/bucket_00001 has rows of .*a\.h5 and of .*b\.h5/);
    await pack(database, ['a2', 'b'], ['--replace']);
    await buildPlanned(database, ['a2', 'b']);
    // Another file in the place of b.
    await expect(deleteReplaced(database, ['a2', 'c'])).rejects.toThrow(/no shard with the rows of .*b\.h5/);
    await expect(pack(database, ['a2', 'b'], ['--replace', '--check-ids'])).rejects.toThrow(/Use one of them/);
    expect((await entriesOf(database)).map(({ rows: count }) => count)).toEqual([2200, 800, 1000]);
  });

  it('is no change where it was renamed, also where another one has its name', async () => {
    const database = await copyOf('renamed');
    await writeShard(at('d'), a);
    const names = ['--name', at('d'), at('a'), at('b')];
    const argv = ['pack-buckets', '--input', at('d'), at('a2'), at('b'), ...names, '--database', database];
    await runHere([...argv, '--output', planOf(database), '--replace']).catch((error: Error) =>
      // Both have the same ids.
      expect(error.message).toMatch(/Ids must be unique/),
    );
    await writeShard(at('a3'), randomRows(4, 50, DIMENSION, 'm'));
    const inputs = ['--input', at('d'), at('a3'), at('b'), ...names, '--database', database];
    const result = await runHere(['pack-buckets', ...inputs, '--output', planOf(database), '--replace']);
    expect(result.replacedSources).toBeUndefined();
  });
});
