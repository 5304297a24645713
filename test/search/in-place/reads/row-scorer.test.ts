import { connect } from '@lancedb/lancedb';
import { Field, FixedSizeList, Float32, Schema } from 'apache-arrow';
import { describe, expect, it } from 'vitest';
import { rowScorer } from '../../../../workers/src/search/in-place/reads/row-scorer.ts';
import { METRICS } from '../../../../workers/src/vectors/metric.ts';
import { temporaryFolder } from '../../../support/run.ts';
import { randomRows } from '../../../support/shards.ts';

const ROWS = 300;

describe('rowScorer', () => {
  it.each([32, 64, 320])(
    'computes the distances of LanceDB to the bit, of rows near and far: %i',
    async (dimension) => {
      const { vectors } = randomRows(1, ROWS, dimension);
      const item = new Field('item', new Float32(), true);
      const schema = new Schema([new Field('embedding', new FixedSizeList(dimension, item), true)]);
      const rows = Array.from({ length: ROWS }, (_, i) => vectors.slice(i * dimension, (i + 1) * dimension));
      const connection = await connect(await temporaryFolder());
      const data = rows.map((embedding) => ({ embedding: [...embedding] }));
      const table = await connection.createTable('rows', data, { schema: schema as never });
      // All rows, with some that are read besides.
      const rowIds = Float64Array.from({ length: ROWS }, (_, row) => row).filter((row) => row % 5 > 0 || row < 50);
      for (const metric of METRICS) {
        const scorer = await rowScorer(metric, dimension);
        for (let q = 0; q < 8; q++) {
          const noise = randomRows(2 + q, 1, dimension).vectors;
          const query = rows[q]!.map((value, i) => value + (q / 4) * noise[i]!);
          const distances = await scorer!.score(query, rowIds, 20, async ({ first }, into) => {
            into.set(new Uint8Array(vectors.slice(first * dimension).buffer, 0, into.length));
          });
          const found = await table
            .query()
            .nearestTo(query)
            .column('embedding')
            .distanceType(metric)
            .limit(ROWS)
            .select(['_distance'])
            .withRowId()
            .toArrow();
          const expected = new Map(
            Array.from({ length: ROWS }, (_, i) => [
              Number(found.getChild('_rowid')!.get(i)),
              found.getChild('_distance')!.get(i) as number,
            ]),
          );
          expect([...distances]).toEqual([...rowIds].map((row) => expected.get(row)));
        }
      }
      table.close();
    },
  );

  it.each([20, 8192])('leaves vectors that it has no kernel for to LanceDB: %i', async (dimension) => {
    expect(await rowScorer('cosine', dimension)).toBeUndefined();
  });
});
