import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  formatEta,
  parseProgressLine,
  progressBar,
  progressLine,
  progressState,
} from '../../../workers/src/base/text/progress-text.ts';

const work = fc.record({
  label: fc.constantFrom('embed-sequences', 'searching bucket_00001', 'index x: y', 'Merging'),
  done: fc.nat(1e9),
  total: fc.nat(1e9),
  unit: fc.constantFrom('vectors', 'residues', 'bytes'),
});

test('a line of a log is read back', () => {
  fc.assert(
    fc.property(work, fc.double({ min: 0.5, max: 1e6, noNaN: true }), (state, seconds) => {
      const line = progressLine(progressState(state, seconds));
      const read = parseProgressLine(line);
      expect(read).toMatchObject(state);
      expect(progressLine(read!)).toBe(line);
    }),
  );
});

test.each(['', 'lanceflow ask: no such id', 'embedding: 3 of 4 proteins were known', 'at x (file.ts:1:2)'])(
  'another line is none: %s',
  (line) => {
    expect(parseProgressLine(line)).toBeUndefined();
  },
);

test('a bar fits the terminal and keeps its figures', () => {
  fc.assert(
    fc.property(work, fc.integer({ min: 80, max: 200 }), (state, columns) => {
      const text = progressBar(progressState(state, 100), columns);
      expect(text.length).toBeLessThanOrEqual(columns);
      expect(text).toContain('| ETA ');
    }),
  );
  const narrow = progressBar(progressState({ label: 'x'.repeat(99), done: 1, total: 2, unit: 'vectors' }, 1), 40);
  expect(narrow).toBe('xxxxxxxxx…  50% | 1/2 vectors | 1/s | E…');
});

test.each([
  [0, '0 s'],
  [59.4, '59 s'],
  [60, '1 min'],
  [125, '2 min 5 s'],
  [3600 * 5.5, '5 h 30 min'],
  [86_400 * 3 + 7200, '3 d 2 h'],
])('%d s: %s', (seconds, text) => {
  expect(formatEta(seconds)).toBe(text);
});
