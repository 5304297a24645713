import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { connect, Index } from '../../workers/src/lance/lancedb.ts';
import { runHere } from '../support/command.ts';
import { buildDatabase, readHitRows } from '../support/database.ts';
import { lanceflowJson, temporaryFolder } from '../support/run.ts';
import { type Rows, randomRows, sliceRows, writeShard } from '../support/shards.ts';

/** Vectors in families, so that partitions mean something. */
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
    'finds for %s in %i dimensions %j what exact finds, where it looks at everything',
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

  it('estimates distances as well as one that LanceDB trained, and grows like it', async () => {
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

  it('is the same in every build but for its name and time', async () => {
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
});
