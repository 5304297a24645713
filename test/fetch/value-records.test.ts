import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRecordColumns, encodeRecords } from '../../workers/src/fetch/value-records.ts';
import { type ExtraType, extraFrom, extraValue } from '../../workers/src/hits/extra-column.ts';
import { extraRows } from '../support/hits.ts';

const ROWS = 12;
const isStored = (type: ExtraType) => type !== 'float32';

describe('records', () => {
  it('give back the values of rows, and null for a column or a row that has none', () => {
    fc.assert(
      fc.property(
        extraRows(ROWS),
        fc.array(fc.boolean(), { minLength: 4, maxLength: 4 }),
        ({ fields, columns }, has) => {
          const stored = fields.filter(({ type }) => isStored(type));
          const values = columns.filter((_, i) => isStored(fields[i]!.type));
          const encoded = stored.map(({ type }, i) => (has[i] ? extraFrom(type, values[i]!) : undefined));
          const { bytes, ends } = encodeRecords(encoded, ROWS);
          const decoder = createRecordColumns(stored, ROWS + 1);
          for (let row = 0; row < ROWS; row++) decoder.push(bytes.subarray(row === 0 ? 0 : ends[row - 1], ends[row]));
          decoder.push(undefined);
          const decoded = decoder.take();
          for (const [i, column] of decoded.entries()) {
            const found = Array.from({ length: ROWS + 1 }, (_, row) => extraValue(column, row));
            expect(found).toEqual([...(has[i] ? values[i]! : Array<null>(ROWS).fill(null)), null]);
          }
        },
      ),
    );
  });
});
