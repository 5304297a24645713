import { cp, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { rewriteInOlderForm } from '../../../workers/src/index/older-form/rewrite-in-older-form.ts';
import { LanceFileReader } from '../../../workers/src/lance/format/file-reader.ts';
import { indexFolder } from '../../../workers/src/lance/format/index-file.ts';
import { connect, Index } from '../../../workers/src/lance/lancedb.ts';
import { writeLanceTable } from '../../support/lance-table.ts';
import { temporaryFolder } from '../../support/run.ts';
import { randomRows } from '../../support/shards.ts';

const DIMENSION = 40;

it.each([
  ['cosine', 1],
  ['l2', 0],
  ['dot', 0],
] as const)('LanceDB’s own index estimates the same distances in the older form: %s', async (metric, shift) => {
  const folder = await temporaryFolder();
  const { ids, vectors } = randomRows(1, 3000, DIMENSION);
  const rows = ids.map((id, i) => ({ id, embedding: [...vectors.subarray(DIMENSION * i, DIMENSION * (i + 1))] }));
  const storageOptions = { newTableDataStorageVersion: '2.0' };
  const table = await (await connect(folder)).createTable('t', rows, { storageOptions });
  await table.createIndex('embedding', { config: Index.ivfRq({ numPartitions: 20, distanceType: metric }) });
  table.close();
  const rewritten = join(folder, 'rewritten');
  await cp(join(folder, 't.lance'), join(rewritten, 't.lance'), { recursive: true });
  expect(await rewriteInOlderForm(join(rewritten, 't.lance'), 1)).toBe(true);

  const estimates = async (path: string) => {
    const opened = await (await connect(path)).openTable('t');
    const { vectors: query } = randomRows(2, 1, DIMENSION);
    const nearest = opened.query().nearestTo(query).distanceType(metric).nprobes(20).limit(3000);
    const found = await nearest.select(['id', '_distance']).toArray();
    opened.close();
    return new Map(found.map(({ id, _distance }) => [id as string, _distance as number]));
  };
  const newer = await estimates(folder);
  const older = await estimates(rewritten);
  expect(older.size).toBe(3000);
  // LanceDB looks up products in 8-bit tables, which differ between the forms. Under cosine it may count from -1.
  const shifts = [...newer].map(([id, distance]) => distance - older.get(id)!).sort((a, b) => a - b);
  const middle = shifts[1500]!;
  const spread = shifts[2850]! - shifts[150]!;
  const range = Math.max(...newer.values()) - Math.min(...newer.values());
  expect(Math.min(Math.abs(middle), Math.abs(middle - shift))).toBeLessThan(0.01 * range);
  expect(spread).toBeLessThan(0.03 * range);

  // A rewritten index is not rewritten again.
  expect(await rewriteInOlderForm(join(rewritten, 't.lance'), 1)).toBe(false);
  const file = await LanceFileReader.open(join(await indexFolder(join(rewritten, 't.lance')), 'auxiliary.idx'));
  expect(file.metadata('storage_metadata')).not.toContain('query_estimator');
  await file.close();
});

it('a large index is rewritten to the same bytes by 1 and 3 threads, even if partitions are divided', async () => {
  const folder = await temporaryFolder();
  const count = 110_000;
  const { ids, vectors } = randomRows(3, count, 8);
  await writeLanceTable(folder, 't', { dimension: 8, ids, vectors }, 'float32', [count]);
  const table = await (await connect(folder)).openTable('t');
  await table.createIndex('embedding', { config: Index.ivfRq({ numPartitions: 3, distanceType: 'l2' }) });
  table.close();
  const codes = await Promise.all(
    [1, 3].map(async (threads) => {
      const copy = join(folder, `${threads}.lance`);
      await cp(join(folder, 't.lance'), copy, { recursive: true });
      expect(await rewriteInOlderForm(copy, threads)).toBe(true);
      return readFile(join(await indexFolder(copy), 'auxiliary.idx'));
    }),
  );
  const before = await readFile(join(await indexFolder(join(folder, 't.lance')), 'auxiliary.idx'));
  expect(codes[1]!.equals(codes[0]!)).toBe(true);
  expect(codes[0]!.length).toBe(before.length);
  expect(codes[0]!.equals(before)).toBe(false);
});
