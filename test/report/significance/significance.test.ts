import { describe, expect, it } from 'vitest';
import { scanNeighbours } from '../../../workers/src/report/neighbours.ts';
import { significanceOf, significantEvalue } from '../../../workers/src/report/significance/significance.ts';
import { hitColumns } from '../../support/hits.ts';

const EVALUES = [
  ['a', 0.001],
  ['a', 5],
  ['b', 0.02],
  ['c', 0.01],
] as const;

function summaryOf(maxEvalue: number | undefined) {
  const scan = scanNeighbours({ maxEvalue });
  const rows = EVALUES.map(([query], i) => ({ query, target: 't', distance: i, bucket: 'b' }));
  const extra = maxEvalue === undefined ? undefined : [{ values: Float32Array.from(EVALUES, ([, evalue]) => evalue) }];
  scan.add({ ...hitColumns(rows), extra });
  return scan.finish();
}

const search = { command: 'search-bucket', bucket: 'b', bucketRows: 10, queries: 6 };

describe('significanceOf', () => {
  it('counts the queries without a neighbour of at most the E-value, and those without any', () => {
    const reports = [search];
    expect(significantEvalue(reports)).toBe(0.01);
    expect(significanceOf(summaryOf(0.01), reports)).toMatchObject({ queries: 6, insignificant: 4 });
    // Without reports, queries without neighbours are unknown.
    expect(significanceOf(summaryOf(0.01), [])).toMatchObject({ queries: 3, insignificant: 1 });
  });

  it('takes the E-value that merge-hits kept', () => {
    const dropped = { count: 2, first: [] };
    const reports = [{ command: 'merge-hits', maxEvalue: 0.001, droppedQueries: dropped }];
    expect(significantEvalue(reports)).toBe(0.001);
    expect(significanceOf(summaryOf(0.001), reports)).toMatchObject({ queries: 5, insignificant: 4, dropped });
  });

  it('says which buckets have no null distribution', () => {
    const background = { from: 0, to: 1, counts: [1] };
    const reports = ['b', 'b', 'c'].map((bucket) => ({ ...search, bucket }));
    const significance = significanceOf(summaryOf(undefined), [...reports, { ...search, bucket: 'd', background }]);
    expect(significance).toMatchObject({ insignificant: undefined, unmeasured: ['b', 'c'], isOfCodes: false });
    expect(significance.background!.shareBelow(0.5)).toBe(0.5);
    expect(significanceOf(summaryOf(undefined), [{ ...search, refineFactor: 0, background }]).isOfCodes).toBe(true);
  });
});
