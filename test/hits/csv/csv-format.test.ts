import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createCsvFormatter, csvHeader } from '../../../workers/src/hits/csv/csv-format.ts';
import { type ExtraField, extraFrom } from '../../../workers/src/hits/extra-column.ts';
import { hits, naiveMerge, packedHits } from '../../support/hits.ts';

/** A strict reader of RFC 4180. */
function parseCsv(text: string): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  for (const [, quoted, plain, end] of text.matchAll(/(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\n)/gu)) {
    row.push(quoted === undefined ? plain! : quoted.replaceAll('""', '"'));
    if (end === '\n') {
      rows.push(row);
      row = [];
    }
  }
  return rows;
}

describe('createCsvFormatter', () => {
  it('writes CSV that a reader of RFC 4180 reads back', () => {
    const format = createCsvFormatter();
    fc.assert(
      fc.property(hits, (some) => {
        const neighbours = naiveMerge(some, 10);
        const text = Buffer.from(
          format({ ...packedHits(neighbours), ranks: Int32Array.from(neighbours, ({ rank }) => rank) }),
        ).toString();
        expect(
          parseCsv(text).map(([query, rank, target, distance, bucket]) => ({
            query,
            rank: Number(rank),
            target,
            distance: Math.fround(Number(distance)),
            bucket,
          })),
        ).toEqual(neighbours);
      }),
    );
  });

  it('turns cells that a spreadsheet would evaluate into text, if requested', () => {
    const texts = ['=1+1', '+a', '-a', '@SUM(A1)', '\tx', '\rx', '=a,"b"', 'a=1', "'=a", '', '-', '蛋'];
    const rows = texts.map((text) => ({ query: text, target: text, distance: -1.5, bucket: 'b', rank: 1 }));
    const neighbours = { ...packedHits(rows), ranks: Int32Array.from(rows, () => 1) };
    const lines = (forSpreadsheets: boolean) =>
      parseCsv(Buffer.from(createCsvFormatter(forSpreadsheets)(neighbours)).toString());
    expect(lines(false)).toEqual(texts.map((text) => [text, '1', text, '-1.5', 'b']));
    // Python's and R's readers see the apostrophe; a distance is a number, whatever its sign.
    const safe = texts.map((text) => (/^[=+@\t\r-]/.test(text) ? `'${text}` : text));
    expect(lines(true)).toEqual(safe.map((text) => [text, '1', text, '-1.5', 'b']));
  });

  it('quotes only cells that need it, and empty ones', () => {
    const rows = [
      { query: 'a b', target: '', distance: Math.fround(0.1), bucket: 'b', rank: 1 },
      { query: 'a b', target: 'say "x"', distance: 2, bucket: 'b', rank: 12 },
    ];
    const text = createCsvFormatter()({ ...packedHits(rows), ranks: Int32Array.of(1, 12) });
    expect(Buffer.from(text).toString()).toBe('a b,1,"",0.1,b\na b,12,"say ""x""",2,b\n');
    expect(csvHeader([])).toBe('query_id,rank,target_id,distance,bucket\n');
  });

  it('adds the cells of extra columns: null is empty, no text is a formula', () => {
    const fields: ExtraField[] = [
      { name: '=n,"1"', type: 'utf8' },
      { name: 'length', type: 'int64' },
      { name: 'identity', type: 'float32' },
      { name: 'evalue', type: 'float64' },
    ];
    const values = [
      ['=1+1', 'x; -2\n\t@y', '', null, 'a=1; b-2', ' +1'],
      [2n ** 62n, null, -5n, 0n, 1n, 1n],
      [0.1, 1, null, 0, Number.POSITIVE_INFINITY, 0.25],
      [1e-180, null, 0.1, 5e-324, Number.NaN, Number.NEGATIVE_INFINITY],
    ];
    const rows = values[0]!.map(() => ({ query: 'q', target: 't', distance: 0.5, bucket: 'b' }));
    const formatted = createCsvFormatter(
      false,
      fields,
    )({
      ...packedHits(rows),
      ranks: Int32Array.from(rows, (_, i) => i + 1),
      extra: fields.map(({ type }, i) => extraFrom(type, values[i]!)),
    });
    expect(csvHeader(fields)).toBe(`query_id,rank,target_id,distance,bucket,"'=n,""1""",length,identity,evalue\n`);
    const cells = [
      "'=1+1,4611686018427387904,0.1,1e-180",
      `"x; '-2\n\t'@y",,1,`,
      '"",-5,,0.1',
      ',0,0,5e-324',
      'a=1; b-2,1,inf,nan',
      " '+1,1,0.25,-inf",
    ];
    expect(Buffer.from(formatted).toString()).toBe(cells.map((line, i) => `q,${i + 1},t,0.5,b,${line}\n`).join(''));
  });
});
