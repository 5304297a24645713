import { describe, expect, it } from 'vitest';
import { toWorkerReport } from '../../../workers/src/report/outcome/worker-report.ts';

const read = (json: unknown) => toWorkerReport(json, (problem) => new Error(problem));

describe('toWorkerReport', () => {
  it('reads the known fields, and no others', () => {
    const full = {
      command: 'search-bucket',
      rows: 10,
      seconds: 2,
      bucket: 'bucket_00001',
      mode: 'scan',
      recall: { mean: 0.96, low: 0.95, high: 0.97, queries: 200 },
    };
    const estimates = [
      { strategy: 'ann', seconds: 9 },
      { strategy: 'scan', seconds: 3, readSeconds: 1 },
    ];
    expect(read({ ...full, estimates, other: {} })).toEqual({
      ...full,
      estimatedSeconds: 3,
      otherStrategies: [{ strategy: 'ann', seconds: 9 }],
    });
    expect(read({ command: 'x', rows: undefined, seconds: null })).toEqual({ command: 'x' });
    expect(read({ command: 'x', recall: 0.9 })).toEqual({ command: 'x', recall: { mean: 0.9 } });
  });

  it.each([[null], ['text'], [[]], [{}], [{ command: 1 }]])('returns undefined for %j, which is no report', (json) => {
    expect(read(json)).toBeUndefined();
  });
});

describe('a report with a wrong field', () => {
  it.each<[string, unknown]>([
    ['rows', '10'],
    ['seconds', -1],
    ['mode', 3],
    ['recall', []],
    ['recall', 1.5],
    ['estimates', [null]],
    ['estimates', 7],
    ['background', { from: 0, to: 1 }],
    ['background', { from: 0, to: 1, counts: [0.5] }],
    ['maxEvalue', -1],
    ['droppedQueries', { count: 1, first: [{ query: 1 }] }],
    ['warnings', 'text'],
    ['warnings', [1]],
    ['index', { partitions: 3 }],
    ['started', 5],
    ['alreadyDone', 'yes'],
  ])('is refused with its name: %s %j', (field, value) => {
    expect(() => read({ command: 'x', [field]: value })).toThrow(new RegExp(`^"${field}`));
  });
});
