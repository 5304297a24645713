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

function advise(lines: BucketLine[], uri = '/data/db') {
  const recall = {
    ...{ format: 1 as const, version: '1', measured: '2026-02-01T00:00:00.000Z', k: 10, queries: 9 },
    strategy: 'exact' as const,
    recall: { mean: 1, low: 1, high: 1, queries: 9 },
    buckets: Object.fromEntries(lines.map(({ bucket, fingerprint }) => [bucket, fingerprint])),
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
    expect(text).toMatch(/measured 2026-02-01, of 1 of 2 buckets$/m);
    expect(text).toMatch(/^Built: +2026-01-01 \(10 days ago\) to 2026-01-01 \(10 days ago\)$/m);
    expect(summaryText([], summarizeCatalog([], 1, undefined), 0)).toBe('No buckets.');
  });
});
