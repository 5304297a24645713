import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createNeighbourBuilder } from '../../workers/src/hits/builder.ts';
import { hitsOf, type NeighbourColumns } from '../../workers/src/hits/columns.ts';
import { extraFrom, extraValue, withExtra } from '../../workers/src/hits/extra-column.ts';
import { extraRows, packedHits } from '../support/hits.ts';

const ROWS = 20;
const HITS = Array.from({ length: ROWS }, (_, i) => ({ query: 'q', target: `t${i}`, distance: i, bucket: 'b' }));
const cases = extraRows(ROWS).chain((extra) =>
  fc.record({
    extra: fc.constant(extra),
    chosen: fc.array(fc.nat(ROWS - 1), { maxLength: 40 }),
    batchRows: fc.integer({ min: 1, max: 9 }),
    batchBytes: fc.integer({ min: 1, max: 100 }),
  }),
);

describe('createNeighbourBuilder', () => {
  it('carries the extra values of any rows, in batches of any size', () => {
    fc.assert(
      fc.property(cases, ({ extra: { fields, columns }, chosen, batchRows, batchBytes }) => {
        const hits = hitsOf(
          withExtra(
            packedHits(HITS),
            fields.map(({ type }, i) => extraFrom(type, columns[i]!)),
          ),
        );
        const builder = createNeighbourBuilder({ rows: batchRows, bytes: batchBytes }, fields);
        const batches: NeighbourColumns[] = [];
        for (const row of chosen) {
          builder.push(hits, row, 1);
          if (builder.full) batches.push(builder.take());
        }
        batches.push(builder.take());
        const built = fields.map((_, i) =>
          batches.flatMap(({ ranks, extra }) => Array.from(ranks, (_, row) => extraValue(extra![i]!, row))),
        );
        expect(built).toEqual(columns.map((values) => chosen.map((row) => values[row]!)));
        if (fields.length === 0) expect(batches[0]).not.toHaveProperty('extra');
      }),
    );
  });

  it('fills the extra columns of rows without them with null', () => {
    const builder = createNeighbourBuilder({ rows: 2, bytes: 1000 }, [
      { name: 'description', type: 'utf8' },
      { name: 'evalue', type: 'float64' },
    ]);
    builder.push(hitsOf(packedHits(HITS)), 0, 1);
    const { extra } = builder.take();
    expect(extra!.map((column) => extraValue(column, 0))).toEqual([null, null]);
  });
});
