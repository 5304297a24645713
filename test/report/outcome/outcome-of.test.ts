import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { outcomeOf, wallSeconds } from '../../../workers/src/report/outcome/outcome-of.ts';
import { outcomeText, parseOutcome } from '../../../workers/src/run/outcome.ts';

const at = (second: number) => new Date(1000 * second).toISOString();

describe('outcomeOf', () => {
  it('sums the tasks of a command with equal settings', () => {
    const search = { command: 'search-bucket', mode: 'scan', k: 10, bucketRows: 100, queries: 5, cores: 8 };
    const {
      stages,
      finished,
      wallSeconds: wall,
    } = outcomeOf([
      { command: 'merge-hits', rows: 50, hits: 100, started: at(40), seconds: 1 },
      { ...search, seconds: 10, started: at(0), rows: 50, bytesReceived: 7, requests: 2 },
      { ...search, seconds: 20, started: at(5), rows: 40, bucketRows: 200, cores: 4, bytesRead: 9 },
      { ...search, mode: 'exact', seconds: 1, started: at(30) },
    ]);
    expect(stages.map(({ command, settings }) => [command, settings.strategy])).toEqual([
      ['search-bucket', 'exact'],
      ['search-bucket', 'scan'],
      ['merge-hits', undefined],
    ]);
    expect(stages[1]).toEqual({
      command: 'search-bucket',
      settings: { strategy: 'scan', k: 10 },
      ...{ state: 'done', tasks: 2, rows: 90, seconds: 30, longestSeconds: 20, wallSeconds: 25, cpuSeconds: 0 },
      ...{ peakMemoryBytes: 0, cores: 4, bytes: 0, requests: 2, bytesSent: 0, bytesReceived: 7 },
      ...{ queries: 10, bucketRows: 300, pairs: 1500 },
    });
    expect([finished, wall]).toEqual([at(41), 27]);
  });

  it('keeps tasks apart that found their result', () => {
    const ingest = { command: 'ingest-bucket', dimension: 4, vectorType: 'float16', rows: 10 };
    const { stages } = outcomeOf([ingest, { ...ingest, alreadyDone: true }, { ...ingest, alreadyDone: false }]);
    expect(stages.map(({ state, tasks, rows }) => [state, tasks, rows])).toEqual([
      ['done', 2, 20],
      ['found', 1, 10],
    ]);
  });

  it('is read as it was written, also without reports', () => {
    const outcomes = [[], [{ command: 'x' }], [{ command: 'index-bucket', indexKind: 'none', seconds: 0.1 }]];
    for (const reports of outcomes) {
      const outcome = outcomeOf(reports);
      expect(parseOutcome(outcomeText(outcome), 'outcome.json')).toEqual(outcome);
    }
  });
});

describe('wallSeconds', () => {
  it('is at most the sum, at least the longest, and counts the seconds of brute force', () => {
    const task = fc.record({ start: fc.nat(40), seconds: fc.nat(12) });
    fc.assert(
      fc.property(fc.array(task, { minLength: 1, maxLength: 12 }), (tasks) => {
        const busy = new Set(
          tasks.flatMap(({ start, seconds }) => Array.from({ length: seconds }, (_, i) => start + i)),
        );
        const reports = tasks.map(({ start, seconds }) => ({ command: 'x', started: at(start), seconds }));
        expect(wallSeconds(reports)).toBe(busy.size);
      }),
    );
  });

  it('is unknown where a start is', () => {
    expect(wallSeconds([{ command: 'x', started: at(0) }, { command: 'x' }])).toBeUndefined();
    expect(wallSeconds([{ command: 'x', started: 'yesterday' }])).toBeUndefined();
    expect(wallSeconds([])).toBeUndefined();
  });
});
