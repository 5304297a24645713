import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { columnFrom, columnTexts, concatenateColumns } from '../../workers/src/base/bytes/utf8-column.ts';
import { PartitionSorter } from '../../workers/src/ingest/external-sort.ts';
import { temporaryFolder } from '../support/run.ts';

const PARTITIONS = 6;
const DIMENSION = 2;
const row = fc.tuple(
  fc.nat(PARTITIONS - 1),
  fc.oneof(fc.string({ unit: 'binary', maxLength: 5 }), fc.constant('é'.repeat(3000))),
);
const runs = fc.array(fc.array(row, { minLength: 1, maxLength: 15 }), { maxLength: 6 });

describe('PartitionSorter', () => {
  it('gives all rows by partition, those of a partition as they came, whatever the runs and windows', async () => {
    const folder = await temporaryFolder();
    fc.assert(
      fc.property(runs, fc.integer({ min: 1, max: 30 }), (batches, windowRows) => {
        const sorter = new PartitionSorter(folder, DIMENSION, PARTITIONS);
        let next = 0;
        const all: Array<{ partition: number; id: string; vector: number[] }> = [];
        for (const batch of batches) {
          const own = batch.map(([partition, id]) => ({ partition, id, vector: [next++, -next] }));
          all.push(...own);
          sorter.add(
            Float32Array.from(own.flatMap(({ vector }) => vector)),
            columnFrom(own.map(({ id }) => id)),
            Int32Array.from(own, ({ partition }) => partition),
          );
        }
        const ids: string[] = [];
        const vectors: number[] = [];
        for (const piece of sorter.sorted(windowRows)) {
          // What is given may be used again for the next piece.
          ids.push(...columnTexts(concatenateColumns([piece.ids])));
          vectors.push(...piece.vectors);
          expect(piece.ids.offsets.length - 1).toBeLessThanOrEqual(windowRows);
          expect(piece.vectors.length).toBe((piece.ids.offsets.length - 1) * DIMENSION);
        }
        const expected = all
          .map((entry, position) => ({ ...entry, position }))
          .sort((a, b) => a.partition - b.partition || a.position - b.position);
        expect(ids).toEqual(expected.map(({ id }) => id));
        expect(vectors).toEqual(expected.flatMap(({ vector }) => vector));
        for (let partition = 0; partition < PARTITIONS; partition++)
          expect(sorter.partitionRows[partition]).toBe(all.filter((entry) => entry.partition === partition).length);
        sorter.close();
      }),
      { numRuns: 150 },
    );
  });
});
