import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { CatalogEntry } from '../../workers/src/database/catalog/catalog-entry.ts';
import { Database } from '../../workers/src/database/database.ts';
import {
  describePartitions,
  type Partitions,
  readPartitions,
  writePartitions,
} from '../../workers/src/database/partitions.ts';
import type { Metric } from '../../workers/src/vectors/metric.ts';
import { runHere } from '../support/command.ts';
import { buildDatabase } from '../support/database.ts';
import { sharedFolder } from '../support/run.ts';
import { QUICK_INDEX, searchHere } from '../support/search.ts';
import { randomRows, sliceRows, writeShard } from '../support/shards.ts';

const BUCKET = 'bucket_00001';
const rows = randomRows(1, 1500, 16);

interface Built {
  database: Database;
  entry: CatalogEntry;
  partitions: Partitions;
}

/** Rewrites a table's partitions as an earlier version wrote them. */
async function asOld({ database, entry, partitions }: Built, change: (partitions: Partitions) => void): Promise<void> {
  const { centroids, firstRows } = structuredClone(partitions);
  change({ centroids, firstRows });
  const { path, count } = entry.partitions!;
  const file = join(database.uri, path);
  const partitionRows = firstRows.subarray(1).map((end, i) => end - firstRows[i]!);
  await writePartitions(file, centroids, partitionRows);
  const { assigner: _, ...written } = await describePartitions(file, path, count);
  await database.writeEntry({ ...entry, partitions: written });
}

/** Swaps partitions, so that rows are not in the nearest one. */
function misplace({ centroids: { vectors, dimension } }: Partitions): void {
  const first = vectors.slice(0, dimension);
  vectors.copyWithin(0, dimension);
  vectors.set(first, vectors.length - dimension);
}

/** One centroid at the mean of nearly all rows, one far away, the others beside the first. */
function ruin({ centroids: { vectors, dimension }, firstRows }: Partitions): void {
  vectors.forEach((_, i) => {
    vectors[i] = 1e-3 * Math.floor(i / dimension);
  });
  vectors.fill(1e5, -dimension);
  firstRows.fill(firstRows.at(-1)! - 10, 1, -1);
}

describe('partitions of a table that an earlier version ordered', () => {
  let folder = '';
  const built = new Map<Metric, Built>();
  beforeAll(async () => {
    folder = await sharedFolder();
    for (const metric of ['cosine', 'l2'] as const) {
      const shard = await writeShard(join(folder, metric, 's.h5'), rows);
      const options = { ingest: ['--metric', metric], index: QUICK_INDEX };
      const { database: path } = await buildDatabase(join(folder, metric), [shard], options);
      const database = await Database.open(path);
      const entry = await database.requireEntry(BUCKET);
      built.set(metric, { database, entry, partitions: await readPartitions(database, entry.partitions!, entry) });
    }
    await writeShard(join(folder, 'q.h5'), { ...sliceRows(rows, 0, 5), ids: ['a', 'b', 'c', 'd', 'e'] });
  });

  async function warningsOf(metric: Metric, change: (partitions: Partitions) => void) {
    const { database } = built.get(metric)!;
    await asOld(built.get(metric)!, change);
    const spoken = { lines: [] as string[] };
    const ofVerify = await runHere(['verify', '--database', database.uri], spoken);
    const searches = [];
    for (const mode of ['scan', 'ann', 'exact']) {
      const { result } = await searchHere(join(folder, metric), database.uri, join(folder, 'q.h5'), ['--search', mode]);
      searches.push(result.warnings);
    }
    return { lines: spoken.lines, ofVerify: ofVerify.warnings, searches };
  }

  it.each([
    ['cosine', misplace],
    ['l2', misplace],
    ['l2', ruin],
  ] as const)(
    'are reported by verify and by a search if a long row misplaced other rows: %s, %o',
    async (metric, change) => {
      const { lines, ofVerify, searches } = await warningsOf(metric, change);
      const warning = expect.stringMatching(/^bucket_00001: an earlier version .* build it again$/);
      expect(ofVerify).toEqual([warning]);
      expect(lines.join()).toMatch(/verify: bucket_00001: an earlier version/);
      expect(searches).toEqual([[warning], [warning], []]);
    },
  );

  it.each(['cosine', 'l2'] as const)('are not reported if its rows are in their partitions: %s', async (metric) => {
    const { ofVerify, searches } = await warningsOf(metric, () => {});
    expect([ofVerify, ...searches]).toEqual([[], [], [], []]);
  });
});

describe('ingest-bucket, of a table whose largest partition', () => {
  async function ingest(name: string, change: (vectors: Float32Array, dimension: number) => void) {
    const folder = join(await sharedFolder(), name);
    const own = { ...rows, vectors: rows.vectors.slice() };
    change(own.vectors, own.dimension);
    const [plan, database] = [join(folder, 'plan.json'), join(folder, 'db')];
    const shard = await writeShard(join(folder, 's.h5'), own);
    await runHere(['pack-buckets', '--input', shard, '--output', plan, '--database', database]);
    const spoken = { lines: [] as string[] };
    const where = ['--plan', plan, '--bucket', BUCKET, '--database', database, '--metric', 'l2'];
    const { warnings } = await runHere(['ingest-bucket', ...where], spoken);
    return { warnings, lines: spoken.lines };
  }

  it('has rows that no partition separates warns of it', async () => {
    const { warnings, lines } = await ingest('short', (vectors, dimension) => {
      vectors.forEach((x, i) => {
        if (Math.floor(i / dimension) % 2 === 0) vectors[i] = x * 1e-6;
      });
    });
    expect(warnings).toEqual([expect.stringMatching(/^bucket_00001: the largest partition has 7\d\d of 1500 rows/)]);
    expect(lines).toEqual([`${(warnings as string[])[0]}.`]);
  });

  it('has copies of one row, or the size of the others, does not warn', async () => {
    const copies = await ingest('copies', (vectors, dimension) => {
      for (let row = 0; row < 700; row++) vectors.copyWithin(row * dimension, 0, dimension);
    });
    const usual = await ingest('usual', () => {});
    expect([copies.warnings, copies.lines, usual.warnings, usual.lines]).toEqual([[], [], [], []]);
  });
});
