import { describe, expect, it } from 'vitest';
import type { TableState } from '../../../workers/src/database/table-change.ts';
import { adviseOn } from '../../../workers/src/upkeep/overview/advise.ts';
import type { BucketLine } from '../../../workers/src/upkeep/overview/bucket-line.ts';
import { adviceText, summaryText } from '../../../workers/src/upkeep/overview/overview-text.ts';
import { summarizeCatalog } from '../../../workers/src/upkeep/overview/summarize-catalog.ts';

const lineOf = (number: number, changes: Partial<BucketLine> = {}): BucketLine => ({
  bucket: `bucket_${`${number}`.padStart(5, '0')}`,
  fingerprint: `${number}`.padStart(32, '0'),
  rows: 2000,
  dimension: 8,
  vectorType: 'float32',
  metric: 'cosine',
  bytes: 1e6,
  model: { model: 'kmer' },
  created: '2026-01-01T00:00:00.000Z',
  deletedRows: 0,
  index: { kind: 'ivf-rq', partitions: 44 },
  orderPartitions: 44,
  hasNullDistances: true,
  state: { kind: 'same' },
  ...changes,
});

/** @param measured buckets whose recall was measured */
function advise(lines: BucketLine[], uri = '/data/db', measured = lines) {
  const recall = {
    ...{ format: 1 as const, version: '1', measured: '2026-02-01T00:00:00.000Z', k: 10, queries: 9 },
    strategy: 'exact' as const,
    recall: { mean: 1, low: 1, high: 1, queries: 9 },
    buckets: Object.fromEntries(measured.map(({ bucket, fingerprint }) => [bucket, fingerprint])),
  };
  const summary = summarizeCatalog(lines, 3000, recall);
  return { summary, advice: adviseOn(uri, lines, summary) };
}

describe('adviseOn', () => {
  it('advises nothing for a database in order', () => {
    const { advice } = advise([lineOf(1), lineOf(2)]);
    expect(advice).toEqual([]);
    expect(adviceText(advice)).toBe('');
  });

  it.each<[TableState, string, boolean]>([
    [{ kind: 'changed', version: 3, operation: 'delete' }, 'adopt', true],
    [{ kind: 'removed', version: 3 }, 'adopt', true],
    [{ kind: 'remade', version: 3 }, 'adopt', true],
    [{ kind: 'compacted', version: 3, operation: 'compact' }, 'adopt', true],
    [{ kind: 'missing' }, 'build', false],
  ])('advises on %j', (state, action, hasCommand) => {
    const { advice } = advise([lineOf(1), lineOf(2, { state })]);
    expect(advice).toMatchObject([{ action, buckets: ['bucket_00002'] }]);
    const line = 'bin/lanceflow adopt --database /data/db --bucket bucket_00002';
    expect(advice[0]!.commands).toEqual(hasCommand ? [line] : []);
  });

  it('advises to compact from a tenth of deleted rows on, and tables without an order', () => {
    const { advice } = advise([
      lineOf(1, { rows: 1801, deletedRows: 199 }),
      lineOf(2, { rows: 1800, deletedRows: 200 }),
      lineOf(3, { orderPartitions: 0 }),
      // A bucket without rows cannot be compacted, and a small table needs no order.
      lineOf(4, { rows: 0, deletedRows: 100 }),
    ]);
    expect(advice.map(({ buckets }) => buckets)).toEqual([['bucket_00002'], ['bucket_00003']]);
  });

  it('names the models of a database with several, which no query fits', () => {
    const { advice, summary } = advise([lineOf(1), lineOf(2, { model: { model: 'esm', model_hash: 'a' } })]);
    expect(summary.models).toEqual({ 'esm@a': 1, kmer: 1 });
    expect(advice[0]!.why).toContain('kmer, 8 components, cosine: 1 bucket; esm@a, 8 components, cosine: 1 bucket');
  });

  it('divides long lists into command lines that a shell takes, and shows some of them', () => {
    const many = Array.from({ length: 10_000 }, (_, i) => lineOf(i + 1, { deletedRows: 500 }));
    const { advice } = advise(many);
    const [compact] = advice;
    expect(compact!.buckets).toHaveLength(10_000);
    expect(compact!.commands).toHaveLength(500);
    expect(compact!.commands.join(' ').match(/bucket_\d+/g)).toEqual(compact!.buckets);
    expect(adviceText(advice)).toContain('... and 497 more for other buckets');
  });

  it('advises to measure the recall again after buckets were changed or added, but not of chosen buckets', () => {
    const added = lineOf(3, { created: '2026-03-01T00:00:00.000Z' });
    const changed = lineOf(1, { fingerprint: 'f'.repeat(32) });
    const why = (lines: BucketLine[]) => advise(lines, '/data/db', [lineOf(1), lineOf(2)]).advice.map((one) => one.why);
    expect(why([changed, lineOf(2), added])).toEqual([
      '1 bucket changed, 1 bucket added since the recall was measured',
    ]);
    expect(why([lineOf(1), lineOf(2), added])).toEqual(['1 bucket added since the recall was measured']);
    expect(why([lineOf(1), lineOf(2), lineOf(3)])).toEqual([]);
    // What evaluate refuses is not advised.
    const other = lineOf(4, { metric: 'l2', created: added.created });
    expect(advise([lineOf(1), other], '/data/db', [lineOf(1)]).advice.map(({ action }) => action)).toEqual(['build']);
  });

  it('keeps the kind of an index when a null distribution is measured', () => {
    const { advice } = advise([
      lineOf(1, { hasNullDistances: false }),
      lineOf(2, { hasNullDistances: false, index: { kind: 'ivf-pq', partitions: 44 } }),
    ]);
    expect(advice.flatMap(({ commands }) => commands)).toEqual([
      'bin/lanceflow index-bucket --database /data/db --bucket bucket_00001',
      'bin/lanceflow index-bucket --database /data/db --bucket bucket_00002 --index ivf-pq',
    ]);
  });

  it('quotes an address that a shell would divide', () => {
    const { advice } = advise([lineOf(1, { deletedRows: 900 })], "/data/my db's");
    expect(advice[0]!.commands).toEqual([`bin/lanceflow compact --database '/data/my db'\\''s' --bucket bucket_00001`]);
  });
});

describe('summaryText', () => {
  it('says what part of a database a recall is of', () => {
    const { summary } = advise([lineOf(1)]);
    const lines = [lineOf(1), lineOf(2)];
    const text = summaryText(lines, summary, Date.parse('2026-01-11T00:00:00Z'));
    expect(text).toMatch(/^Recall@10: +in 1 of 2 buckets: 1\.0000 .* measured 2026-02-01$/m);
    expect(text).toMatch(/^Built: +2026-01-01 \(10 days ago\) to 2026-01-01 \(10 days ago\)$/m);
    expect(summaryText([], summarizeCatalog([], 1, undefined), 0)).toBe('No buckets.');
    // A bucket without rows is not searched.
    expect(summaryText([lineOf(1), lineOf(2, { rows: 0 })], summary, 0)).toMatch(/^Recall@10: +1\.0000/m);
  });

  it('keeps names and values apart, however large k is', () => {
    const { summary } = advise([lineOf(1)]);
    const text = summaryText([lineOf(1)], { ...summary, recall: { ...summary.recall!, k: 100_000 } }, 0);
    expect(text).toMatch(/^Recall@100000: {2}1\.0000/m);
  });
});
