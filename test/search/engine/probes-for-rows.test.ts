import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { openBucket } from '../../../workers/src/bucket/open-bucket.ts';
import { Database } from '../../../workers/src/database/database.ts';
import { searchAnn } from '../../../workers/src/search/engine/ann.ts';
import { countProbes, hasPartitionRows, probesForRows } from '../../../workers/src/search/engine/probes-for-rows.ts';
import { METRICS } from '../../../workers/src/vectors/metric.ts';
import { buildDatabase } from '../../support/database.ts';
import { temporaryFolder } from '../../support/run.ts';
import { randomRows, writeShard } from '../../support/shards.ts';

describe('countProbes', () => {
  it('returns the fewest partitions with enough rows, and no fewer than asked', () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(9), { minLength: 1, maxLength: 20 }),
        fc.nat(200),
        fc.integer({ min: 1, max: 20 }),
        (rowsOf, wanted, asked) => {
          const firstRows = new Float64Array(rowsOf.length + 1);
          for (const [i, rows] of rowsOf.entries()) firstRows[i + 1] = firstRows[i]! + rows;
          const ranked = Int32Array.from(rowsOf.keys()).reverse();
          const least = Math.min(asked, rowsOf.length);
          const probes = countProbes(ranked, firstRows, wanted, least);
          const rowsIn = (count: number) => [...ranked.subarray(0, count)].reduce((sum, i) => sum + rowsOf[i]!, 0);
          expect(probes).toBeGreaterThanOrEqual(least);
          expect(probes === rowsOf.length || rowsIn(probes) >= wanted).toBe(true);
          expect(probes === least || rowsIn(probes - 1) < wanted).toBe(true);
        },
      ),
    );
  });
});

describe('searchAnn', () => {
  it.each(METRICS)('finds k rows with as many probes as that takes: %s', async (metric) => {
    const folder = await temporaryFolder();
    const dimension = 16;
    const shard = await writeShard(join(folder, 'a.h5'), randomRows(1, 2000, dimension));
    const { database: uri } = await buildDatabase(folder, [shard], { ingest: ['--metric', metric] });
    const database = await Database.open(uri);
    const bucket = await openBucket(database, await database.requireEntry('bucket_00001'));
    const { entry } = bucket;
    expect(hasPartitionRows(bucket)).toBe(true);
    const { vectors } = randomRows(2, 8, dimension);
    const options = { ...entry, partitions: entry.index.partitions, k: 700, nprobes: 2, refineFactor: 3 };
    const probes = await probesForRows(bucket, vectors, options);
    expect(Math.max(...probes)).toBeLessThan(entry.index.partitions);
    const { index, ...rest } = entry;
    // Without the row counts, a query is asked again.
    const unknown = { ...bucket, entry: { ...rest, index: { ...index, centroids: undefined } } };
    for (const one of [bucket, unknown]) {
      const answers = await searchAnn(one, vectors, 0, 8, options, { add() {}, stop() {} });
      expect(answers.map(({ distances }) => distances.length)).toEqual(new Array(8).fill(700));
    }
    bucket.table.close();
  });
});
