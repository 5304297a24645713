import { describe, expect, it } from 'vitest';
import {
  mergedRecall,
  queryCount,
  searchesOf,
  summarizeStages,
  toWorkerReport,
  warningsOf,
} from '../../workers/src/report/stages.ts';

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
  ])('is refused with its name: %s %j', (field, value) => {
    expect(() => read({ command: 'x', [field]: value })).toThrow(new RegExp(`^"${field}`));
  });
});

describe('summarizeStages', () => {
  it('sums by command, in the order of the pipeline, with unknown commands last', () => {
    const stages = summarizeStages([
      { command: 'zzz' },
      { command: 'merge-hits', rows: 5 },
      { command: 'search-bucket', rows: 1, seconds: 2, cpuSeconds: 3, bytes: 4, peakMemoryBytes: 5 },
      { command: 'search-bucket', rows: 10, seconds: 20, cpuSeconds: 30, bytes: 40, peakMemoryBytes: 3 },
      { command: 'aaa' },
    ]);
    expect(stages.map(({ command }) => command)).toEqual(['search-bucket', 'merge-hits', 'aaa', 'zzz']);
    expect(stages[0]).toEqual({
      command: 'search-bucket',
      tasks: 2,
      rows: 11,
      seconds: 22,
      longestSeconds: 20,
      cpuSeconds: 33,
      bytes: 44,
      peakMemoryBytes: 5,
    });
  });
});

describe('mergedRecall', () => {
  const search = (mode: string) => ({ command: 'search-bucket', mode, recall: { mean: 0.5 } });
  const recall = { mean: 0.9, low: 0.8, high: 1, queries: 200 };

  it('is the measurement of merge-hits', () => {
    expect(mergedRecall([search('exact'), search('scan'), { command: 'merge-hits', recall }])).toEqual(recall);
  });

  it('is 1 where every search was exact, and unknown otherwise', () => {
    expect(mergedRecall([search('exact'), search('exact'), { command: 'merge-hits' }])).toEqual({ mean: 1 });
    expect(mergedRecall([search('exact'), search('scan'), { command: 'merge-hits' }])).toBeUndefined();
    expect(mergedRecall([])).toBeUndefined();
  });
});

it('queryCount sums the ranges of a bucket', () => {
  const search = (bucket: string, queries: number) => ({ command: 'search-bucket', bucket, queries });
  expect(queryCount([search('a', 5), search('b', 3), search('b', 4)])).toBe(7);
  expect(queryCount([{ command: 'search-bucket' }])).toBe(0);
  expect(queryCount([])).toBe(0);
});

it('searchesOf sorts searches by bucket', () => {
  const reports = ['b', 'a'].map((bucket) => ({ command: 'search-bucket', bucket }));
  expect(searchesOf([...reports, { command: 'merge-hits' }]).map(({ bucket }) => bucket)).toEqual(['a', 'b']);
});

it('warningsOf lists each warning once, with the name of its bucket', () => {
  const [named, nameless] = ['b: rows are odd', 'queries are odd'];
  const reports = [
    { command: 'search-bucket', bucket: 'b', warnings: [named, nameless] },
    { command: 'search-bucket', bucket: 'a', warnings: [nameless] },
    { command: 'ingest-bucket', bucket: 'b', warnings: [named] },
    { command: 'verify', warnings: [named] },
    { command: 'merge-hits' },
  ];
  expect(warningsOf(reports)).toEqual(['a: queries are odd', 'b: queries are odd', named]);
});
