import { describe, expect, it } from 'vitest';
import { strategiesBeforeFetch } from '../../../workers/src/search/plan/strategies-before-fetch.ts';

const ROWS = 200e6;
const DIMENSION = 960;
const partitions = { path: 'p', count: 14142, bytes: 54e6, checksum: '0' };
const index = { kind: 'ivf-rq', metric: 'cosine', partitions: 14142, parameters: {} } as const;
const file = (path: string, bytes: number) => ({ path, bytes, checksum: '0' });
const files = [
  file('data/1.lance', ROWS * (4 * DIMENSION + 20)),
  file('_indices/1.idx', ROWS * 150),
  file('_versions/1', 9),
];
const bucket = { rows: ROWS, dimension: DIMENSION, vectorType: 'float32', index, partitions, files } as const;
const asked = { k: 10, search: 'auto', nprobes: undefined, refineFactor: undefined, targetRecall: undefined } as const;
const strategies = (request: object, queryCount: number, other: object = {}) =>
  strategiesBeforeFetch({ ...asked, groundTruth: false, ...request }, { ...bucket, ...other }, queryCount, 32);

describe('strategiesBeforeFetch', () => {
  it('fetches no index if the vectors are needed and many queries share one pass', () => {
    expect(strategies({}, 100_000)).toEqual(['exact', 'scan']);
    expect(strategies({}, 1_000_000)).toEqual(['exact', 'scan']);
  });

  it('fetches no vectors if codes are enough and arrive sooner', () => {
    for (const queries of [1, 1000]) expect(strategies({ refineFactor: 0 }, queries)).toEqual(['ann']);
    // If the ground truth needs the vectors, little is saved.
    expect(strategies({ refineFactor: 0 }, 8000)).toEqual(['ann']);
    expect(strategies({ refineFactor: 0, groundTruth: true }, 8000)).toEqual(['exact', 'scan']);
  });

  it('ignores the files of kept columns, which no strategy fetches', () => {
    const columns = file('data/1-kept.lance', 1e13);
    const withColumns = { files: [...files, columns], fragments: [{ path: files[0]!.path, columns: columns.path }] };
    const cases = [{}, { refineFactor: 0 }, { refineFactor: 0, groundTruth: true }];
    for (const request of cases)
      for (const queries of [1, 1000, 8000, 100_000])
        expect(strategies(request, queries, withColumns)).toEqual(strategies(request, queries));
    // As bytes of vectors they would let the other strategies look slow.
    expect(strategies({ refineFactor: 0 }, 20_000, withColumns)).toEqual(strategies({ refineFactor: 0 }, 20_000));
  });

  it('counts what a filter of the index costs: its columns, and every row for every query', () => {
    const columns = file('data/1-kept.lance', ROWS * 230);
    const fragments = [{ path: files[0]!.path, columns: columns.path }];
    const half = { rows: ROWS / 2, deletedRows: ROWS / 2, files: [...files, columns], fragments };
    const codes = { where: "taxon = 'x'", refineFactor: 0 };
    // A query evaluates it for 200 million rows, in an eighth of a second on 32 cores.
    expect(strategies(codes, 1000, half)).toEqual(['ann']);
    expect(strategies({ ...codes, where: undefined }, 4000, half)).toEqual(['ann']);
    expect(strategies(codes, 8000, half)).toEqual(['exact', 'scan']);
    // Columns that are as large as the vectors save nothing.
    const large = { ...half, files: [...files, file(columns.path, 2e12)] };
    expect(strategies(codes, 1000, large)).toEqual(['exact', 'scan']);
  });

  it('chooses between the index and exact where there is no other strategy', () => {
    const without = { partitions: undefined };
    const large = { ...without, files: [file('data/1', 1e12), file('_indices/1', 1e6)] };
    expect(strategies({ nprobes: 20, refineFactor: 0 }, 1, large)).toEqual(['ann']);
    // Where the vectors are fetched anyway, reading all of them takes less than half as long again.
    expect(strategies({ nprobes: 20 }, 1, large)).toEqual(['exact']);
    expect(
      strategies({}, 100_000, { ...without, rows: 1000, files: [file('data/1', 4e6), file('_indices/1', 2e5)] }),
    ).toEqual(['exact']);
  });

  it.each([
    ['a requested strategy', { search: 'scan' }, {}],
    ['a recall, which is measured', { targetRecall: 0.95 }, {}],
    ['a bucket without an index', {}, { index: { ...index, kind: 'none', partitions: 0 } }],
    ['all rows of the bucket', { k: ROWS }, {}],
  ])('leaves %s as it is', (_, request, other) => {
    expect(strategies(request, 1000, other)).toBeUndefined();
  });
});
