import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { columnFrom, columnTexts, concatenateColumns } from '../../../workers/src/base/bytes/utf8-column.ts';
import { RowGatherer } from '../../../workers/src/ingest/passes/row-gatherer.ts';
import { createRunFiles, type Run, RunFiles } from '../../../workers/src/ingest/passes/run-files.ts';
import { RunWriter, shareRuns } from '../../../workers/src/ingest/passes/run-writer.ts';
import { temporaryFolder } from '../../support/run.ts';

const PARTITIONS = 6;
const DIMENSION = 2;
const row = fc.tuple(
  fc.nat(PARTITIONS - 1),
  fc.oneof(fc.string({ unit: 'binary', maxLength: 5 }), fc.constant('é'.repeat(3000))),
);
const batches = fc.array(fc.array(row, { minLength: 1, maxLength: 15 }), { minLength: 1, maxLength: 6 });

interface Row {
  partition: number;
  id: string;
  vector: number[];
}

/** Rows of the batches, numbered. */
function numbered(all: Array<Array<[number, string]>>): Row[][] {
  let next = 0;
  return all.map((batch) => batch.map(([partition, id]) => ({ partition, id, vector: [next++, -next] })));
}

/** The text of a row in a kept column. */
const keptText = ({ id, vector }: Row) => (vector[0]! % 3 === 0 ? '' : `${vector[0]}${id}`);

describe('RowGatherer', () => {
  it.each(['float32', 'float16'] as const)(
    'gathers rows by partition, those of a partition as they came, whatever the runs and windows, as %s',
    async (vectorType) => {
      const folder = await temporaryFolder();
      fc.assert(
        fc.property(batches, fc.integer({ min: 1, max: 30 }), fc.boolean(), (generated, windowRows, backwards) => {
          const own = mkdtempSync(join(folder, 'runs-'));
          createRunFiles(own, 2);
          const files = new RunFiles(own, 2);
          const shared = shareRuns(PARTITIONS, 2);
          const all = numbered(generated);
          let firstRow = 0;
          const writes = all.map((batch) => {
            const first = firstRow;
            firstRow += batch.length;
            return () =>
              new RunWriter(files, shared, DIMENSION, vectorType).write(
                first,
                Float32Array.from(batch.flatMap(({ vector }) => vector)),
                [batch.map(({ id }) => columnFrom([id])), [columnFrom(batch.map(keptText))]],
                Int32Array.from(batch, ({ partition }) => partition),
              );
          });
          // Threads write runs in any order.
          const runs: Run[] = backwards
            ? writes
                .toReversed()
                .map((write) => write())
                .reverse()
            : writes.map((write) => write());
          const firstRows = Float64Array.of(0, ...shared.partitionRows);
          for (let i = 1; i <= PARTITIONS; i++) firstRows[i]! += firstRows[i - 1]!;
          const rowBytes = DIMENSION * (vectorType === 'float32' ? 4 : 2);
          const sorted = { runs, firstRows, partitions: PARTITIONS, rowBytes };
          const gatherer = new RowGatherer(files, sorted, new Uint8Array(windowRows * rowBytes));
          const ids: string[] = [];
          const kept: string[] = [];
          const vectors: number[] = [];
          for (let first = 0; first < firstRow; first += windowRows)
            for (const piece of gatherer.gather(first, Math.min(firstRow, first + windowRows))) {
              // What was gathered is overwritten by what is gathered next.
              ids.push(...columnTexts(concatenateColumns([piece.ids])));
              const bytes = piece.vectors.slice().buffer;
              vectors.push(...(vectorType === 'float32' ? new Float32Array(bytes) : new Float16Array(bytes)));
            }
          for (let first = 0; first < firstRow; first += windowRows)
            for (const cells of gatherer.gatherKept(0, first, Math.min(firstRow, first + windowRows)))
              kept.push(...columnTexts(cells));
          const expected = all.flat().sort((a, b) => a.partition - b.partition || a.vector[0]! - b.vector[0]!);
          expect(ids).toEqual(expected.map(({ id }) => id));
          expect(kept).toEqual(expected.map(keptText));
          expect(vectors).toEqual(expected.flatMap(({ vector }) => vector));
          files.close();
        }),
        { numRuns: 150 },
      );
    },
  );

  it('gathers in pieces where ids are longer than their share of memory', async () => {
    const folder = await temporaryFolder();
    createRunFiles(folder, 1);
    const files = new RunFiles(folder, 1);
    const shared = shareRuns(1, 1);
    const id = 'x'.repeat(2 ** 20);
    const ids = Array.from({ length: 150 }, (_, i) => `${i}${id}`);
    const writer = new RunWriter(files, shared, 1, 'float32');
    const run = writer.write(0, Float32Array.from(ids.keys()), [[columnFrom(ids)]], new Int32Array(150));
    const sorted = { runs: [run], firstRows: Float64Array.of(0, 150), partitions: 1, rowBytes: 4 };
    let next = 0;
    for (const { rows, ids: part, vectors } of new RowGatherer(files, sorted, new Uint8Array(600)).gather(0, 150)) {
      expect(part.bytes.length).toBeLessThanOrEqual(64 * 2 ** 20);
      const numbers = new Float32Array(vectors.slice().buffer);
      for (let i = 0; i < rows; i++) expect(numbers[i]).toBe(next + i);
      expect(Buffer.from(part.bytes.subarray(0, `${next}`.length)).toString()).toBe(`${next}`);
      next += rows;
    }
    expect(next).toBe(150);
    files.close();
  });
});
