import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { INDEX_KINDS, planIndex } from '../../workers/src/index/index-plan.ts';
import { METRICS } from '../../workers/src/vectors/metric.ts';

describe('planIndex', () => {
  it("plans the article's index: int(sqrt(rows)) partitions, D / 16 sub-vectors", () => {
    expect(planIndex('ivf-pq', 200_000_000, 960, 'cosine')).toMatchObject({
      index: { kind: 'ivf-pq', metric: 'cosine', partitions: 14_142, subVectors: 60 },
      notes: [],
    });
  });

  it('plans an index that can be built for every table, and notes differences from the article', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...INDEX_KINDS),
        fc.integer({ min: 1, max: 1_000_000 }),
        fc.integer({ min: 1, max: 2000 }),
        fc.constantFrom(...METRICS),
        (kind, rows, dimension, metric) => {
          const { index, notes } = planIndex(kind, rows, dimension, metric);
          expect(index.metric).toBe(metric);
          if (rows < 256) {
            expect(index.kind).toBe('none');
            expect(notes.length).toBe(1);
            return;
          }
          expect(index.partitions).toBe(Math.floor(Math.sqrt(rows)));
          if (index.kind === 'ivf-rq') expect(dimension % 8).toBe(0);
          else expect(dimension % index.subVectors!).toBe(0);
          const articles = index.kind === 'ivf-rq' || index.subVectors === dimension / 16;
          expect(notes.length === 0).toBe(articles && index.kind === kind);
        },
      ),
    );
  });
});
