import { describe, expect, it } from 'vitest';
import { type ExtraField, type ExtraValue, extraFrom } from '../../../../workers/src/hits/extra-column.ts';
import { answerText } from '../../../../workers/src/search/in-place/output/answer-text.ts';
import { packedHits } from '../../../support/hits.ts';

const EXTRA: ExtraField[] = [
  { name: 'evalue', type: 'float64' },
  { name: 'length', type: 'int64' },
  { name: 'description', type: 'utf8' },
];

async function text(format: 'table' | 'csv' | 'jsonl', values: readonly ExtraValue[][]): Promise<string> {
  const hits = values.map((_, i) => ({ query: 'q', target: `t${i}`, distance: 0.5, bucket: 'b' }));
  const neighbours = {
    ...packedHits(hits),
    ranks: Int32Array.from(hits, (_, i) => i + 1),
    extra: EXTRA.map(({ type }, i) =>
      extraFrom(
        type,
        values.map((row) => row[i]!),
      ),
    ),
  };
  const pieces = answerText({ neighbours: [neighbours], extra: EXTRA, failed: [] }, { format, forSpreadsheets: false });
  return Buffer.concat(await Array.fromAsync(pieces, (piece) => Buffer.from(piece))).toString();
}

describe('answerText with extra columns', () => {
  it('writes them into JSON lines, with null, and with texts for what JSON has no number for', async () => {
    const lines = await text('jsonl', [
      [1e-180, 2n ** 40n, 'Hemoglobin "alpha"\n<b>'],
      [Number.POSITIVE_INFINITY, null, null],
    ]);
    const rows = lines
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(rows.map(({ evalue, length, description }) => [evalue, length, description])).toEqual([
      [1e-180, 2 ** 40, 'Hemoglobin "alpha"\n<b>'],
      ['inf', null, null],
    ]);
  });

  it('writes them into CSV with their names', async () => {
    expect(await text('csv', [[0.1, 7, null]])).toBe(
      'query_id,rank,target_id,distance,bucket,evalue,length,description\nq,1,t0,0.5,b,0.1,7,\n',
    );
  });

  it('shows them in a table, a row on one line without control characters', async () => {
    const shown = await text('table', [
      [1.23456789e-20, 142, 'two\r\n lines \x1b[31m'],
      [null, null, null],
    ]);
    const lines = shown.split('\n');
    expect(lines[1]).toMatch(/^ rank {2}target_id {2}distance {5}bucket {2}evalue +length {2}description$/);
    expect(lines[2]).toBe('    1  t0         0.500000     b       1.23457e-20  142     two lines \\x1b[31m');
    expect(lines[3]).toBe('    2  t1         0.500000     b');
  });
});
