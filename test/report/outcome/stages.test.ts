import { describe, expect, it } from 'vitest';
import {
  mergedRecall,
  queryCount,
  searchesOf,
  summarizeStages,
  warningsOf,
} from '../../../workers/src/report/outcome/stages.ts';

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
