import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Database } from '../../workers/src/database/database.ts';
import { describePartitions, readPartitions, writePartitions } from '../../workers/src/database/partitions.ts';
import { temporaryFolder } from '../support/run.ts';
import { randomRows } from '../support/shards.ts';

describe('a file of partitions', () => {
  it('returns the written partitions, for any count and dimension', async () => {
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
        const total = rows.reduce((a, b) => a + b);
        const order = await describePartitions(join(folder, path), path, count);
        const read = await readPartitions(database, order, { rows: total, dimension });
        expect(read.centroids).toEqual({ count, dimension, vectors });
        expect([...read.firstRows]).toEqual([0, ...rows.map((_, i) => rows.slice(0, i + 1).reduce((a, b) => a + b))]);
      }
  });

  it('is refused if it does not belong to the table', async () => {
    const folder = await temporaryFolder();
    await mkdir(join(folder, '_partitions'));
    const database = await Database.open(folder);
    const { vectors } = randomRows(1, 5, 4);
    const [path, rows] = ['_partitions/p.arrow', Float64Array.of(3, 0, 2, 1, 4)];
    await writePartitions(join(folder, path), { count: 5, dimension: 4, vectors }, rows);
    const order = await describePartitions(join(folder, path), path, 5);
    const read = (change: object, table: object) =>
      readPartitions(database, { ...order, ...change }, { rows: 10, dimension: 4, ...table });
    await expect(read({}, {})).resolves.toMatchObject({ centroids: { count: 5 } });
    await expect(read({ count: 4 }, {})).rejects.toThrow(/p\.arrow: damaged: 5 partitions, but the catalog says 4/);
    await expect(read({}, { rows: 11 })).rejects.toThrow('its partitions have 10 rows, but the table has 11');
    await expect(read({}, { dimension: 8 })).rejects.toThrow('centroids of 4 components, but the vectors have 8');
    await expect(read({ bytes: 7 }, {})).rejects.toThrow('it differs from the file that the catalog describes');
    // Another program could write it like this: a partition does not begin at the end of the previous one.
    const negative = Float64Array.of(3, -1, 3, 1, 4);
    await writePartitions(join(folder, path), { count: 5, dimension: 4, vectors }, negative);
    const other = await describePartitions(join(folder, path), path, 5);
    await expect(read(other, {})).rejects.toThrow('partition 1 has -1 rows from row 3,');
  });
});
