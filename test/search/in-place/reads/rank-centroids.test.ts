import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { partitionOf } from '../../../../workers/src/base/bytes/partition-of.ts';
import { openBucket } from '../../../../workers/src/bucket/open-bucket.ts';
import { Database } from '../../../../workers/src/database/database.ts';
import { probedPartitions } from '../../../../workers/src/search/in-place/reads/rank-centroids.ts';
import { METRICS } from '../../../../workers/src/vectors/metric.ts';
import { VECTOR_TYPES } from '../../../../workers/src/vectors/vector-type.ts';
import { buildDatabase } from '../../../support/database.ts';
import { temporaryFolder } from '../../../support/run.ts';
import { randomRows, writeShard } from '../../../support/shards.ts';

const DIMENSION = 32;

describe('probedPartitions', () => {
  it.each(METRICS.flatMap((metric) => VECTOR_TYPES.map((type) => [metric, type] as const)))(
    'has the partitions that LanceDB probes, and hardly any other: %s, %s',
    async (metric, vectorType) => {
      const folder = await temporaryFolder();
      const rows = randomRows(1, 2000, DIMENSION);
      // Rows of different lengths, so that the metrics differ.
      for (let i = 0; i < rows.vectors.length; i++) rows.vectors[i]! *= 0.3 + (((i / DIMENSION) % 7) | 0) / 3;
      const shard = await writeShard(join(folder, 'a.h5'), rows);
      const ingest = ['--metric', metric, '--vector-type', vectorType];
      const { database: uri } = await buildDatabase(folder, [shard], { ingest });
      const database = await Database.open(uri);
      const { entry, table, partitions } = await openBucket(database, await database.requireEntry('bucket_00001'));
      expect(entry.index.centroids).toBe('order');
      const { centroids, firstRows } = await partitions();
      const stored =
        vectorType === 'float16' ? Float32Array.from(new Float16Array(centroids.vectors)) : centroids.vectors;
      const { vectors } = randomRows(2, 40, DIMENSION);
      let extra = 0;
      for (let query = 0; query < 40; query++) {
        const nprobes = 1 + (query % 9);
        const vector = vectors.slice(query * DIMENSION, (query + 1) * DIMENSION);
        const asked = vectorType === 'float16' ? Float32Array.from(new Float16Array(vector)) : vector;
        const ranked = probedPartitions(asked, { ...centroids, vectors: stored }, metric, nprobes, vectorType);
        const found = await table
          .query()
          .nearestTo(vector)
          .column('embedding')
          .distanceType(metric)
          .nprobes(nprobes)
          .limit(2000)
          .select(['_distance'])
          .withRowId()
          .toArrow();
        const probed = new Set(Array.from(found.getChild('_rowid')!, (row) => partitionOf(Number(row), firstRows)));
        expect(probed.size).toBe(nprobes);
        expect([...probed].filter((partition) => !ranked.includes(partition))).toEqual([]);
        extra += ranked.length - nprobes;
      }
      expect(extra).toBeLessThanOrEqual(4);
      table.close();
    },
  );
});
