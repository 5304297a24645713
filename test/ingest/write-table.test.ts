import { existsSync, readFileSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { CommandContext } from '../../workers/src/app/command.ts';
import { CRC64 } from '../../workers/src/base/bytes/checksum.ts';
import { findBucket, parsePlan } from '../../workers/src/database/catalog/bucket-plan.ts';
import type { IngestRecord } from '../../workers/src/database/catalog/catalog-entry.ts';
import { readPartitions } from '../../workers/src/database/partitions.ts';
import type { PublishEarly } from '../../workers/src/database/table-publisher.ts';
import { writeTable } from '../../workers/src/ingest/write-table.ts';
import { runHere } from '../support/command.ts';
import { missingPython, temporaryFolder } from '../support/run.ts';
import { h5py, type Rows, randomRows, sliceRows, writeShard } from '../support/shards.ts';
import { readTable } from '../support/table.ts';

const BUCKET = 'bucket_00001';
const DIMENSION = 32;
const ROWS = 3500;

/** Rows of several shards: of some rows, of many, of a part of a unit. @returns paths, in order of the plan */
async function writeShards(folder: string, rows: Rows): Promise<string[]> {
  const ends = [0, 5, 2600, 2601, 2700, ROWS];
  return Promise.all(
    ends.slice(1).map((end, i) => writeShard(join(folder, `${i}.h5`), sliceRows(rows, ends[i]!, end))),
  );
}

/** Rows of which some are long: under `dot` they get partitions of their own. */
function rowsWithLongOnes(): Rows {
  const rows = randomRows(1, ROWS, DIMENSION);
  for (let row = 3; row < ROWS; row += 97)
    for (let i = 0; i < DIMENSION; i++) rows.vectors[row * DIMENSION + i]! *= 10 + (row % 7);
  return rows;
}

async function ingest(folder: string, shards: readonly string[], name: string, ...options: string[]) {
  const [database, plan] = [join(folder, name), join(folder, `${name}.json`)];
  await runHere(['pack-buckets', '--input', ...shards, '--database', database, '--output', plan]);
  await runHere(['ingest-bucket', '--plan', plan, '--bucket', BUCKET, '--database', database, ...options]);
  const record = JSON.parse(await readFile(join(database, '_pending', `${BUCKET}.json`), 'utf8')) as IngestRecord;
  return { database, table: record.table! };
}

/** The files of a table's rows and partitions, by name. */
async function contents(database: string): Promise<Map<string, string>> {
  const files = new Map<string, string>();
  for (const folder of [join(`${BUCKET}.lance`, 'data'), '_partitions'])
    for (const name of await readdir(join(database, folder)).catch(() => []))
      files.set(name, CRC64.format(CRC64.of(await readFile(join(database, folder, name)))));
  return files;
}

describe('a table that threads write', () => {
  // 126 units or more, which are work for 7 threads.
  beforeEach(() => vi.stubEnv('LANCEFLOW_UNIT_BYTES', '2048'));
  afterEach(() => vi.unstubAllEnvs());

  it.each([
    ['partition', 'cosine', 'float32'],
    ['partition', 'dot', 'float32'],
    ['partition', 'l2', 'float16'],
    ['none', 'cosine', 'float32'],
  ])(
    'is the same by 1, 2 and 7 threads, byte for byte: order %s, %s, %s',
    async (order, metric, type) => {
      const folder = await temporaryFolder();
      const rows = rowsWithLongOnes();
      const shards = await writeShards(folder, rows);
      const options = ['--order', order, '--metric', metric, '--vector-type', type];
      const first = await ingest(folder, shards, 'one', ...options, '--threads', '1');
      const expected = await contents(first.database);
      expect(expected.size).toBeGreaterThan(30);
      for (const threads of ['2', '7']) {
        const again = await ingest(folder, shards, `by-${threads}`, ...options, '--threads', threads);
        expect(await contents(again.database)).toEqual(expected);
        expect(again.table.fragments).toEqual(first.table.fragments);
      }

      const { ids, vectors } = (await readTable(first.database, BUCKET)).rows;
      const positions = new Map(rows.ids.map((id, row) => [id, row]));
      expect(new Set(ids).size).toBe(ROWS);
      // readTable gives the words of float16.
      const words = new Uint16Array(new Float16Array(rows.vectors).buffer);
      const stored = type === 'float32' ? rows.vectors : Float32Array.from(words);
      const expectedVectors = new Float32Array(ROWS * DIMENSION);
      for (const [row, id] of ids.entries()) {
        const from = positions.get(id)! * DIMENSION;
        expectedVectors.set(stored.subarray(from, from + DIMENSION), row * DIMENSION);
      }
      expect(Buffer.from(vectors.buffer).equals(Buffer.from(expectedVectors.buffer))).toBe(true);
      if (order === 'none') expect(ids).toEqual(rows.ids);
      else await expectPartitionOrder(first, rows, ids, metric);
    },
    60_000,
  );

  it.each([true, false])(
    'passes on each data file when it has its name and content; ordered: %s',
    async (isOrdered) => {
      const folder = await temporaryFolder();
      const rows = randomRows(1, ROWS, DIMENSION);
      const plan = join(folder, 'plan.json');
      await runHere(['pack-buckets', '--input', ...(await writeShards(folder, rows)), '--output', plan]);
      const bucket = findBucket(parsePlan(await readFile(plan, 'utf8'), plan), BUCKET, plan);
      const early = new Map<string, string>();
      const publish: PublishEarly = (file) => {
        const path = join(folder, `${BUCKET}.lance`, file.path);
        early.set(file.path, CRC64.format(CRC64.of(readFileSync(path))));
        // The rest of the table is not written yet.
        expect(existsSync(join(folder, `${BUCKET}.lance/_versions`))).toBe(false);
        if (isOrdered) expect(existsSync(join(folder, 'runs.vectors'))).toBe(true);
      };
      const options = { dimension: DIMENSION, metric: 'l2', vectorType: 'float32', threads: 2, isOrdered } as const;
      const context = { progress: () => ({ add() {}, stop() {} }) } as unknown as CommandContext;
      const { files } = await writeTable({ scratch: folder, recipe: 'r', publish }, bucket, options, context);
      expect(files.length).toBeGreaterThan(30);
      expect(early).toEqual(new Map(files.map(({ path, checksum }) => [path, checksum])));
    },
  );

  it('records checksums and places that hold for its files', async () => {
    const folder = await temporaryFolder();
    const rows = randomRows(2, 2000, DIMENSION);
    const { database, table } = await ingest(
      folder,
      [await writeShard(join(folder, 's.h5'), rows)],
      'db',
      '--threads',
      '3',
    );
    let found = 0;
    for (const { path, bytes, checksum } of table.files!) {
      const content = await readFile(join(database, `${BUCKET}.lance`, path));
      expect([content.length, CRC64.format(CRC64.of(content))]).toEqual([bytes, checksum]);
      found += bytes;
    }
    expect(found).toBe(table.dataBytes);
    expect(table.fragments!.map(({ path }) => path)).toEqual(table.files!.map(({ path }) => path));
    expect(table.fragments!.reduce((sum, fragment) => sum + fragment.rows, 0)).toBe(2000);
  });

  it.skipIf(missingPython())(
    'mixes shards of both types and of chunks, ids of any length, and parts of shards',
    async () => {
      const folder = await temporaryFolder();
      const vectors = await h5py<number[][]>(
        folder,
        `
x = rng.standard_normal((2400, 32)).astype('f2')
shard('a.h5', x[:900].astype('f4'), [f'a{i}' for i in range(900)], compression='gzip', chunks=(70, 32))
shard('b.h5', x[900:], [('é' * (i % 9000)) + str(i) for i in range(1500)])
print(json.dumps(x.astype('f8').tolist()))`,
      );
      const ids = [
        ...Array.from({ length: 900 }, (_, i) => `a${i}`),
        ...Array.from({ length: 1500 }, (_, i) => `${'é'.repeat(i % 9000)}${i}`),
      ];
      const [database, plan] = [join(folder, 'db'), join(folder, 'plan.json')];
      const inputs = ['a.h5', 'b.h5'].map((name) => join(folder, name));
      await runHere([
        'pack-buckets',
        '--input',
        ...inputs,
        '--bucket-size',
        '1250',
        '--database',
        database,
        '--output',
        plan,
      ]);
      const read = new Map<string, number[]>();
      for (const bucket of ['bucket_00001', 'bucket_00002']) {
        await runHere(['ingest-bucket', '--plan', plan, '--bucket', bucket, '--database', database, '--threads', '5']);
        const table = (await readTable(database, bucket)).rows;
        for (const [row, id] of table.ids.entries())
          read.set(id, [...table.vectors.subarray(row * 32, (row + 1) * 32)]);
      }
      expect(read).toEqual(new Map(ids.map((id, row) => [id, vectors[row]!])));
    },
  );

  it.each(['1', '4'])('names the one damaged shard of many, by %s threads', async (threads) => {
    const folder = await temporaryFolder();
    const rows = randomRows(3, 4000, DIMENSION);
    const shards = await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        writeShard(join(folder, `${i}.h5`), sliceRows(rows, i * 200, (i + 1) * 200)),
      ),
    );
    const plan = join(folder, 'plan.json');
    const database = join(folder, 'db');
    await runHere(['pack-buckets', '--input', ...shards, '--database', database, '--output', plan]);
    await writeShard(shards[13]!, { ...sliceRows(rows, 2600, 2800), vectors: sliceRows(rows, 0, 200).vectors });
    const command = ['ingest-bucket', '--plan', plan, '--bucket', BUCKET, '--database', database, '--threads', threads];
    await expect(runHere(command)).rejects.toThrow(/\/13\.h5: its rows are not those of the plan/);
    await expect(runHere([...command, '--order', 'none'])).rejects.toThrow(
      /\/13\.h5: its rows are not those of the plan/,
    );
    expect((await readdir(database)).filter((name) => name !== '_pending')).toEqual([]);
  });

  it('notices a shard longer than a unit that was changed, in its last row', async () => {
    const folder = await temporaryFolder();
    const rows = randomRows(4, 4000, DIMENSION);
    const shard = await writeShard(join(folder, 's.h5'), rows);
    const [database, plan] = [join(folder, 'db'), join(folder, 'plan.json')];
    await runHere(['pack-buckets', '--input', shard, '--database', database, '--output', plan]);
    rows.vectors[4000 * DIMENSION - 1]! += 1;
    await writeShard(shard, rows);
    const command = ['ingest-bucket', '--plan', plan, '--bucket', BUCKET, '--database', database, '--threads', '4'];
    await expect(runHere(command)).rejects.toThrow(/s\.h5: its rows are not those of the plan/);
  });
});

/** Rows lie partition by partition, those of a partition as they came, nearly all with their nearest centroid. */
async function expectPartitionOrder(
  { database, table }: { database: string; table: NonNullable<IngestRecord['table']> },
  rows: Rows,
  ids: readonly string[],
  metric: string,
): Promise<void> {
  const read = { read: (path: string) => readFile(join(database, path)) };
  const { centroids, firstRows } = await readPartitions({ uri: database, tables: read }, table.partitions!, table);
  const positions = new Map(rows.ids.map((id, row) => [id, row]));
  let nearest = 0;
  for (let partition = 0; partition < centroids.count; partition++) {
    const own = ids.slice(firstRows[partition]!, firstRows[partition + 1]!).map((id) => positions.get(id)!);
    expect(own).toEqual(own.toSorted((a, b) => a - b));
    if (metric !== 'dot')
      for (const row of own) nearest += nearestTo(rows, row, centroids.vectors, metric) === partition ? 1 : 0;
  }
  if (metric !== 'dot') expect(nearest / ROWS).toBeGreaterThan(0.95);
  else expect(centroids.count).toBeGreaterThan(Math.floor(Math.sqrt(ROWS)));
}

/** The centroid nearest to a row, in double precision. */
function nearestTo({ vectors }: Rows, row: number, centroids: Float32Array, metric: string): number {
  const x = vectors.subarray(row * DIMENSION, (row + 1) * DIMENSION);
  const length = metric === 'cosine' ? Math.sqrt(x.reduce((sum, value) => sum + value * value, 0)) : 1;
  let best = { centroid: -1, distance: Number.POSITIVE_INFINITY };
  for (let centroid = 0; centroid < centroids.length / DIMENSION; centroid++) {
    let distance = 0;
    for (let i = 0; i < DIMENSION; i++) distance += (x[i]! / length - centroids[centroid * DIMENSION + i]!) ** 2;
    if (distance < best.distance) best = { centroid, distance };
  }
  return best.centroid;
}
