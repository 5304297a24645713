import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { columnTexts } from '../../../../workers/src/base/bytes/utf8-column.ts';
import { type OpenBucket, openBucket } from '../../../../workers/src/bucket/open-bucket.ts';
import { Database } from '../../../../workers/src/database/database.ts';
import type { TableReader } from '../../../../workers/src/database/table-reader.ts';
import { searchAnn } from '../../../../workers/src/search/engine/ann.ts';
import { countedTables } from '../../../../workers/src/search/in-place/reads/counted-tables.ts';
import { canReadSparsely, openSparseTable } from '../../../../workers/src/search/in-place/reads/sparse-table.ts';
import { METRICS } from '../../../../workers/src/vectors/metric.ts';
import { VECTOR_TYPES } from '../../../../workers/src/vectors/vector-type.ts';
import { buildDatabase } from '../../../support/database.ts';
import { temporaryFolder } from '../../../support/run.ts';
import { randomRows, writeParts, writeShard } from '../../../support/shards.ts';

const DIMENSION = 32;
const ROWS = 2600;

/** Rows with copies of the same vectors, which tie, and ids of different lengths. */
function rowsWithTies() {
  const { ids, vectors } = randomRows(1, ROWS, DIMENSION);
  for (let row = 3; row < ROWS; row += 3)
    vectors.copyWithin(row * DIMENSION, (row % 50) * DIMENSION, ((row % 50) + 1) * DIMENSION);
  return { dimension: DIMENSION, ids: ids.map((id, row) => `${id}${'-'.repeat(row % 23)}`), vectors };
}

describe('openSparseTable', () => {
  it.each(METRICS.flatMap((metric) => VECTOR_TYPES.map((type) => [metric, type] as const)))(
    'answers as the whole table, from the parts that it reads: %s, %s',
    async (metric, vectorType) => {
      const folder = await temporaryFolder();
      const shards = await writeParts(folder, rowsWithTies(), [1000, ROWS - 1000]);
      const ingest = ['--metric', metric, '--vector-type', vectorType];
      const { database: uri } = await buildDatabase(folder, shards, { ingest });
      const database = await Database.open(uri);
      const whole = await openBucket(database, await database.requireEntry('bucket_00001'));
      expect(canReadSparsely(whole)).toBe(false);
      // As on S3: without a folder that LanceDB can open.
      const counts = { requests: 0, bytes: 0 };
      const tables = countedTables({ ...database.tables, folder: undefined }, counts);
      const remote = { ...whole, database: database.withTables(tables) };
      expect(canReadSparsely(remote)).toBe(true);
      const sparse = await openSparseTable(remote);
      let answered = 0;
      /** @param isOwn whether answers may be computed without LanceDB */
      const copied = (isOwn: boolean): OpenBucket => ({
        ...remote,
        copy: {
          async answer(query) {
            const answer = isOwn ? await sparse.answer(query) : undefined;
            if (answer) answered++;
            return answer;
          },
          async prepare(query) {
            expect(await sparse.prepare(query)).toBe(true);
            return sparse.table;
          },
        },
      });
      const { vectors } = randomRows(1, 12, DIMENSION);
      const { entry } = whole;
      const bytes = [];
      for (const [k, nprobes, refineFactor] of [
        [1, 1, 1],
        [10, 3, 2],
        [10, 3, 0],
        [200, 2, 3],
        [900, 1, 10],
      ] as const) {
        const options = { ...entry, partitions: entry.index.partitions, k, nprobes, refineFactor };
        const answersOf = async (bucket: OpenBucket) => {
          const answers = await searchAnn(bucket, vectors, 0, 12, options, { add() {}, stop() {} });
          // LanceDB returns ties in any order.
          return answers.map(({ ids, distances }) =>
            columnTexts(ids)
              .map((id, row) => `${distances[row]!} ${id}`)
              .sort(),
          );
        };
        const expected = await answersOf(whole);
        for (const isOwn of [true, false]) {
          const found = await answersOf(copied(isOwn));
          expect(found.map((rows) => rows.length)).toEqual(expected.map((rows) => rows.length));
          for (const [query, rows] of found.entries())
            expect(withoutLastTies(rows)).toEqual(withoutLastTies(expected[query]!));
        }
        bytes.push(counts.bytes);
      }
      // The others have ties at the last distance.
      if (vectorType === 'float32') expect(answered).toBeGreaterThan(10);
      else expect(answered).toBe(0);
      // Few probes read a part, and what was read is not read again.
      expect(bytes[0]).toBeLessThan(entry.bytes / 2);
      const { requests, bytes: readBytes } = counts;
      await searchAnn(
        copied(false),
        vectors,
        0,
        12,
        { ...entry, partitions: entry.index.partitions, k: 10, nprobes: 3, refineFactor: 2 },
        { add() {}, stop() {} },
      );
      expect(counts.requests).toBe(requests);
      expect(readBytes).toBe(counts.bytes);
      await sparse.close();
      whole.table.close();
    },
  );

  it('reads again what it could not read', async () => {
    const folder = await temporaryFolder();
    const shard = await writeShard(join(folder, 'a.h5'), randomRows(1, ROWS, DIMENSION));
    const { database: uri } = await buildDatabase(folder, [shard]);
    const database = await Database.open(uri);
    const whole = await openBucket(database, await database.requireEntry('bucket_00001'));
    let failing: string | undefined;
    const tables: TableReader = {
      ...database.tables,
      folder: undefined,
      async openFile(path) {
        const file = await database.tables.openFile(path);
        const read = async (into: Uint8Array, position: number) => {
          if (failing !== undefined && path.includes(failing)) throw new Error(`no ${failing}`);
          await file.read(into, position);
        };
        return { read, close: () => file.close() };
      },
    };
    const remote = { ...whole, database: database.withTables(tables) };
    vi.stubEnv('TMPDIR', folder);
    // LanceDB has folders of its own there.
    const copies = async () => (await readdir(folder)).filter((name) => name.includes('.asked.'));
    for (failing of ['.manifest', 'index.idx', 'auxiliary.idx'])
      await expect(openSparseTable(remote)).rejects.toThrow(`no ${failing}`);
    expect(await copies()).toEqual([]);
    failing = undefined;
    const sparse = await openSparseTable(remote);
    const { vectors: vector } = randomRows(2, 1, DIMENSION);
    const query = { vector, nprobes: 2, limit: 10, refineFactor: 2 };
    failing = '/data/';
    await expect(sparse.prepare(query)).rejects.toThrow('no /data/');
    failing = undefined;
    expect(await sparse.prepare(query)).toBe(true);
    await sparse.close();
    expect(await copies()).toEqual([]);
    whole.table.close();
    vi.unstubAllEnvs();
  });

  it.each(METRICS)('says that LanceDB probes a partition that was not read: %s', async (metric) => {
    const folder = await temporaryFolder();
    const shard = await writeShard(join(folder, 'a.h5'), randomRows(1, ROWS, DIMENSION));
    const { database: uri } = await buildDatabase(folder, [shard], { ingest: ['--metric', metric] });
    const database = await Database.open(uri);
    const whole = await openBucket(database, await database.requireEntry('bucket_00001'));
    const { centroids, ...partitions } = await whole.partitions();
    // The farthest partitions seem to be the nearest.
    const opposite = { ...centroids, vectors: centroids.vectors.map((value) => -value) };
    const sparse = await openSparseTable({
      ...whole,
      database: database.withTables({ ...database.tables, folder: undefined }),
      partitions: async () => ({ ...partitions, centroids: opposite }),
    });
    const { vectors: vector } = randomRows(2, 1, DIMENSION);
    for (const nprobes of [1, 2, 3])
      expect(await sparse.prepare({ vector, nprobes, limit: 100, refineFactor: 2 })).toBe(false);
    await sparse.close();
    whole.table.close();
  });
});

/** Drops the rows at the largest distance, of which LanceDB returns any. */
function withoutLastTies(rows: readonly string[]): string[] {
  const distance = (row: string) => Number(row.split(' ')[0]);
  const last = Math.max(...rows.map(distance));
  return rows.filter((row) => distance(row) < last);
}
