import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { NeighbourColumns } from '../../../workers/src/hits/columns.ts';
import { type ExtraField, extraFrom, extraValue, withExtra } from '../../../workers/src/hits/extra-column.ts';
import { createHits } from '../../../workers/src/hits/parquet/hits-writer.ts';
import { inspectNeighbours, readNeighbours } from '../../../workers/src/hits/parquet/neighbours-reader.ts';
import { createNeighbours } from '../../../workers/src/hits/parquet/neighbours-writer.ts';
import { extraRows, hits, naiveMerge, neighboursOf, packedHits } from '../../support/hits.ts';
import { missingPython, python, temporaryFolder } from '../../support/run.ts';

async function write(path: string, batches: NeighbourColumns[], extra: readonly ExtraField[], metadata = {}) {
  const writer = await createNeighbours(path, 'zstd', metadata, extra);
  for (const batch of batches) await writer.append(batch);
  await writer.finish();
}

async function read(path: string, extra: readonly ExtraField[]) {
  const rows: unknown[] = [];
  for await (const batch of readNeighbours(path, extra))
    for (const [row, neighbour] of neighboursOf(batch).entries())
      rows.push([neighbour, ...extra.map((_, i) => extraValue(batch.extra![i]!, row))]);
  return rows;
}

const cases = hits.chain((some) => {
  const neighbours = naiveMerge(some, 10);
  return fc.record({ neighbours: fc.constant(neighbours), extra: extraRows(neighbours.length) });
});

describe('readNeighbours', () => {
  it('reads back what createNeighbours wrote, in any number of batches', async () => {
    const folder = await temporaryFolder();
    await fc.assert(
      fc.asyncProperty(cases, fc.nat(30), async ({ neighbours, extra: { fields, columns } }, cut) => {
        const path = join(folder, 'n.parquet');
        const part = (from: number, end?: number) => {
          const rows = neighbours.slice(from, end);
          const plain = { ...packedHits(rows), ranks: Int32Array.from(rows, ({ rank }) => rank) };
          const extra = fields.map(({ type }, i) => extraFrom(type, columns[i]!.slice(from, end)));
          return fields.length === 0 ? plain : withExtra(plain, extra);
        };
        const metadata = { 'lanceflow.k': '10' };
        await write(path, [part(0, cut), part(cut)], fields, metadata);
        const file = await inspectNeighbours(path);
        expect(file).toMatchObject({ path, rows: neighbours.length, extra: fields, metadata });
        const expected = neighbours.map((neighbour, row) => [neighbour, ...columns.map((values) => values[row])]);
        expect(await read(path, fields)).toEqual(expected);
        const reversed = [...fields].reverse();
        expect(await read(path, reversed)).toEqual(
          neighbours.map((neighbour, row) => [neighbour, ...columns.map((values) => values[row]).reverse()]),
        );
      }),
      { numRuns: 40 },
    );
  });

  it('names the file and the column of hits, which have no rank', async () => {
    const path = join(await temporaryFolder(), 'hits.parquet');
    await (await createHits(path)).finish();
    await expect(inspectNeighbours(path)).rejects.toThrow(`${path}: it has no column rank`);
  });

  it.skipIf(missingPython())(
    'reads what pandas and pyarrow write, with slices, large strings and dictionaries',
    async () => {
      const path = join(await temporaryFolder(), 'n.parquet');
      await python(
        `
import sys, json, pyarrow as pa, pyarrow.parquet as pq
n = 40000
texts = [None if i % 3 == 0 else f"d{i % 7}" for i in range(n)]
t = pa.table({"query_id": ["q"] * n, "rank": pa.array(range(1, n + 1), pa.int32()), "target_id": [f"t{i}" for i in range(n)],
  "distance": pa.array([i / n for i in range(n)], pa.float32()), "bucket": ["b"] * n, "large": pa.array(texts, pa.large_string()),
  "category": pa.array(texts).dictionary_encode(), "count": pa.array([None if i % 5 == 0 else 2**60 + i for i in range(n)]),
  "share": pa.array([None if i % 2 else i / 3 for i in range(n)]), "flag": [True] * n})
pq.write_table(t, sys.argv[1], row_group_size=15000)
print(json.dumps(None))`,
        path,
      );
      const { extra } = await inspectNeighbours(path);
      expect(extra).toEqual([
        { name: 'large', type: 'utf8' },
        { name: 'category', type: 'utf8' },
        { name: 'count', type: 'int64' },
        { name: 'share', type: 'float64' },
      ]);
      const row = (i: number) => {
        const text = i % 3 === 0 ? null : `d${i % 7}`;
        return [text, text, i % 5 === 0 ? null : 2n ** 60n + BigInt(i), i % 2 === 1 ? null : i / 3];
      };
      for (const columns of [extra, extra.slice(2)]) {
        const rows = (await read(path, columns)) as unknown[][];
        expect(rows.map(([, ...values]) => values)).toEqual(
          Array.from({ length: 40_000 }, (_, i) => row(i).slice(extra.length - columns.length)),
        );
      }
    },
  );
});
