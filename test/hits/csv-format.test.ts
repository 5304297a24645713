import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CSV_HEADER, createCsvFormatter } from '../../workers/src/hits/csv-format.ts';
import { hits, naiveMerge, packedHits } from '../support/hits.ts';

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
    expect(CSV_HEADER).toBe('query_id,rank,target_id,distance,bucket\n');
  });
});
