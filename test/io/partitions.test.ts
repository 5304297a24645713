import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Database } from '../../workers/src/io/database.ts';
import { describePartitions, readPartitions, writePartitions } from '../../workers/src/io/partitions.ts';
import { temporaryFolder } from '../support/run.ts';
import { randomRows } from '../support/shards.ts';

describe('a file of partitions', () => {
  it('gives back what was written, of any number and dimension', async () => {
    const folder = await temporaryFolder();
    await mkdir(join(folder, '_catalog'));
    await mkdir(join(folder, '_partitions'));
    const database = await Database.open(folder);
    for (const count of [1, 2, 3, 77])
      for (const dimension of [1, 2, 3, 7, 64]) {
        const { vectors } = randomRows(1, count, dimension);
        const path = `_partitions/${count}-${dimension}.arrow`;
        const rows = Float64Array.from({ length: count }, (_, i) => i % 3);
        await writePartitions(join(folder, path), { count, dimension, vectors }, rows);
        const read = await readPartitions(database, await describePartitions(join(folder, path), path, count));
        expect(read.centroids).toEqual({ count, dimension, vectors });
        expect([...read.firstRows]).toEqual([0, ...rows.map((_, i) => rows.slice(0, i + 1).reduce((a, b) => a + b))]);
      }
  });
});
