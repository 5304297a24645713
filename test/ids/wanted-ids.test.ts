import fc from 'fast-check';
import { expect, test } from 'vitest';
import { columnFrom, columnSlice } from '../../workers/src/base/bytes/utf8-column.ts';
import { WantedIds } from '../../workers/src/ids/wanted-ids.ts';
import { id } from '../support/hits.ts';

test('finds each wanted id once, at its first occurrence, and lists missing ones', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(id, { maxLength: 20 }),
      fc.array(id, { maxLength: 40 }),
      fc.nat(40),
      (asked, rows, cut) => {
        const wanted = new WantedIds(asked);
        const column = columnFrom(rows);
        const middle = Math.min(cut, rows.length);
        const found = [
          ...wanted.find(columnSlice(column, 0, middle)),
          ...wanted.find(columnSlice(column, middle, rows.length)).map((row) => row + middle),
        ];
        const expected = [...rows.keys()].filter((i) => asked.includes(rows[i]!) && rows.indexOf(rows[i]!) === i);
        expect(found).toEqual(expected);
        const missing = asked.filter((one) => !rows.includes(one));
        expect(wanted.missingCount).toBe(missing.length);
        expect(wanted.missing(3)).toEqual(missing.slice(0, 3));
      },
    ),
  );
});
