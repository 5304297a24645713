import { describe, expect, it } from 'vitest';
import { columnFrom, columnTexts } from '../../workers/src/base/bytes/utf8-column.ts';
import { isNullCell } from '../../workers/src/base/columns/cells.ts';
import { cellsOf } from '../../workers/src/ingest/source-columns.ts';

describe('cellsOf', () => {
  const kept = ['taxon', 'constructor'].map((name) => ({ name, type: 'utf8' as const }));

  it('repeats a value, and is null where a source has none, whatever the name of the column', () => {
    const [taxon, other] = cellsOf({ values: { taxon: 'é' } }, kept, { rows: 2, kept: [] });
    expect(columnTexts(taxon!)).toEqual(['é', 'é']);
    expect([isNullCell(other!, 0), isNullCell(other!, 1)]).toEqual([true, true]);
  });

  it('takes the columns of a shard by their names', () => {
    const columns = [...kept].reverse();
    const block = { rows: 1, kept: [columnFrom(['c']), columnFrom(['t'])] };
    expect(cellsOf({ columns }, kept, block).map((cells) => columnTexts(cells))).toEqual([['t'], ['c']]);
  });
});
