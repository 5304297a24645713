import { cp, open, readdir, readFile, rm, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { DataError } from '../../workers/src/base/errors.ts';
import type { EarlyFile, PublishEarly } from '../../workers/src/database/table-publisher.ts';
import { buildIvfRq } from '../../workers/src/index/build-ivf-rq.ts';
import { indexFolder } from '../../workers/src/lance/format/index-file.ts';
import { connect, Index } from '../../workers/src/lance/lancedb.ts';
import { runHere } from '../support/command.ts';
import { buildDatabase, readHitRows } from '../support/database.ts';
import { writeOwnTable } from '../support/own-table.ts';
import { lanceflowJson, temporaryFolder } from '../support/run.ts';
import { type Rows, randomRows, sliceRows, writeShard } from '../support/shards.ts';

type UnfinishedFile = Extract<EarlyFile, { written: unknown }>;

/** Vectors in families, so that k-means finds real clusters. */
function families(seed: number, rows: number, dimension: number): Rows {
  const made = randomRows(seed, rows, dimension);
  const centres = randomRows(99, 30, dimension).vectors;
  for (let i = 0; i < made.vectors.length; i++) {
    const family = Math.floor(i / dimension) % 30;
    made.vectors[i] = 2 * centres[family * dimension + (i % dimension)]! + made.vectors[i]!;
  }
  return made;
}

const BUCKET = ['--bucket', 'bucket_00001'];

describe('an index over the partitions of the order', () => {
  it.each([
    ['cosine', 64, []],
    ['l2', 24, []],
    ['cosine', 968, ['--vector-type', 'float16']],
    ['l2', 8, []],
    ['dot', 32, []],
  ] as const)(
    'finds for %s in %i dimensions %j what exact finds if it probes and refines everything',
    async (metric, dimension, options) => {
      const folder = await temporaryFolder();
      const rows = families(1, 1500, dimension);
      const shard = await writeShard(join(folder, 's.h5'), rows);
      const { database } = await buildDatabase(folder, [shard], { ingest: ['--metric', metric, ...options] });
      const queries = await writeShard(join(folder, 'q.h5'), sliceRows(families(2, 60, dimension), 0, 60));
      const search = async (mode: string, ...more: string[]) => {
        const output = join(folder, `${mode}.parquet`);
        const where = [...BUCKET, '--database', database, '--queries', queries, '--k', '10', '--output', output];
        await runHere(['search-bucket', ...where, '--search', mode, ...more]);
        return readHitRows(output);
      };
      const exact = await search('exact');
      const ann = await search('ann', '--nprobes', '1000', '--refine-factor', '50');
      const found = new Set(exact.map(({ query, target }) => `${query} ${target}`));
      const shared = ann.filter(({ query, target }) => found.has(`${query} ${target}`)).length;
      expect(ann.length).toBe(exact.length);
      expect(shared / exact.length).toBeGreaterThan(0.995);
    },
  );

  it('estimates distances as well as one that LanceDB trained, and LanceDB extends it', async () => {
    const folder = await temporaryFolder();
    const dimension = 128;
    const rows = families(3, 4000, dimension);
    const { database } = await buildDatabase(folder, [await writeShard(join(folder, 's.h5'), rows)]);
    const table = await (await connect(database)).openTable('bucket_00001');
    const queries = families(4, 50, dimension);
    const error = async () => {
      let sum = 0;
      for (let i = 0; i < queries.ids.length; i++) {
        const vector = queries.vectors.subarray(i * dimension, (i + 1) * dimension);
        const nearest = () => table.query().nearestTo(vector).distanceType('cosine').nprobes(1000).limit(20);
        const estimated = await nearest().select(['id', '_distance']).toArray();
        const refined = await nearest().refineFactor(50).limit(1000).select(['id', '_distance']).toArray();
        const exact = new Map(refined.map(({ id, _distance }) => [id as string, _distance as number]));
        for (const { id, _distance } of estimated) sum += Math.abs(_distance - exact.get(id)!);
      }
      return sum / (queries.ids.length * 20);
    };
    const own = await error();
    // Rows that LanceDB adds later find their partitions in it.
    const more = families(5, 50, dimension);
    const added = more.ids.map((_, i) => ({
      id: `new${i}`,
      embedding: [...more.vectors.subarray(i * dimension, (i + 1) * dimension)],
    }));
    await table.add(added);
    await table.optimize();
    const [config] = await table.listIndices();
    expect(await table.indexStats(config!.name)).toMatchObject({ numIndexedRows: 4050, numUnindexedRows: 0 });
    const [self] = await table
      .query()
      .nearestTo(added[7]!.embedding)
      .distanceType('cosine')
      .nprobes(5)
      .limit(1)
      .toArray();
    expect(self.id).toBe('new7');
    const trained = Index.ivfRq({ numPartitions: 63, distanceType: 'cosine' });
    await table.createIndex('embedding', { config: trained, replace: true });
    const theirs = await error();
    table.close();
    expect(own).toBeLessThan(1.2 * theirs);
  });

  it('has the same files in every build', async () => {
    const folder = await temporaryFolder();
    const shard = await writeShard(join(folder, 's.h5'), families(6, 2000, 40));
    const sums = [];
    for (const name of ['a', 'b']) {
      const { database } = await buildDatabase(join(folder, name), [shard]);
      const { files } = await lanceflowJson(['catalog', '--database', database]).then(
        ({ entries }) => (entries as [{ files: Array<{ path: string; checksum: string }> }])[0],
      );
      sums.push(files.filter(({ path }) => path.endsWith('.idx')).map(({ checksum }) => checksum));
    }
    expect(sums[0]).toHaveLength(2);
    expect(sums[0]).toEqual(sums[1]);
  });

  describe('built in threads', () => {
    const PARTITIONS = 7;
    /** A table of three fragments, whose partitions have odd row counts, one of them 0. */
    async function orderedTable() {
      const folder = await temporaryFolder();
      const dimension = 24;
      const rows = families(8, 30_011, dimension);
      const { files } = await writeOwnTable(folder, 't', rows, 'float32', [9_000, 20_000, 1_011]);
      const fragments = files.map(({ name, rows: count, vectors }) => ({
        path: `data/${name}`,
        rows: count,
        offset: vectors.offset,
      }));
      const vectors = families(9, PARTITIONS, dimension).vectors;
      const firstRows = Float64Array.of(0, 1, 9_500, 9_500, 9_531, 9_563, 30_010, 30_011);
      const partitions = { centroids: { count: PARTITIONS, dimension, vectors }, firstRows };
      return { folder: join(folder, 't.lance'), vectorType: 'float32' as const, fragments, partitions };
    }
    const progress = { add() {}, stop() {} };

    it('has the same files with 1, 2 and 7 threads', async () => {
      const table = await orderedTable();
      const indexes = await Promise.all(
        [1, 2, 7].map(async (threads) => {
          const folder = join(table.folder, '..', `${threads}`);
          await cp(table.folder, folder, { recursive: true });
          await buildIvfRq({ ...table, folder }, { metric: 'l2', progress, threads });
          const index = await indexFolder(folder);
          return Promise.all(['auxiliary.idx', 'index.idx'].map((name) => readFile(join(index, name))));
        }),
      );
      for (const [codes, centroids] of indexes.slice(1)) {
        expect(codes!.equals(indexes[0]![0]!)).toBe(true);
        expect(centroids!.equals(indexes[0]![1]!)).toBe(true);
      }
    });

    it('can be read from its beginning as far as it is announced while threads write it', async () => {
      const table = await orderedTable();
      let path = '';
      let copied: Promise<Buffer[]> | undefined;
      /** Reads each piece once, as soon as it is announced. */
      async function copy({ path: name, bytes, written }: UnfinishedFile): Promise<Buffer[]> {
        path = join(table.folder, name);
        await using file = await open(path);
        const pieces: Buffer[] = [];
        for (let start = 0; start < bytes; start += 50_000) {
          const piece = Buffer.alloc(Math.min(50_000, bytes - start));
          await written.reach(start + piece.length, new AbortController().signal);
          await file.read(piece, 0, piece.length, start);
          pieces.push(piece);
        }
        return pieces;
      }
      const publish: PublishEarly = (file) => {
        if ('written' in file) copied = copy(file);
      };
      await buildIvfRq(table, { metric: 'l2', progress, threads: 3, publish });
      const pieces = await copied!;
      expect(pieces.length).toBeGreaterThan(10);
      expect(Buffer.concat(pieces).equals(await readFile(path))).toBe(true);
    });

    it('names a data file that a thread cannot read, and adds no version', async () => {
      const table = await orderedTable();
      const versions = await readdir(join(table.folder, '_versions'));
      const cut = join(table.folder, table.fragments[1]!.path);
      await truncate(cut, 100_000);
      const built = buildIvfRq(table, { metric: 'l2', progress, threads: 3 });
      await expect(built).rejects.toThrow(DataError);
      await expect(built).rejects.toThrow(cut);
      await rm(cut);
      await expect(buildIvfRq(table, { metric: 'l2', progress, threads: 3 })).rejects.toThrow(cut);
      expect(await readdir(join(table.folder, '_versions'))).toEqual(versions);
    });
  });
});
