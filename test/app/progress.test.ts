import { afterEach, expect, test, vi } from 'vitest';
import { createProgress } from '../../workers/src/app/progress.ts';

const wasTerminal = process.stderr.isTTY;

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
  process.stderr.isTTY = wasTerminal;
});

/** Captures standard error, without the terminal's control sequences. */
function listen(isTerminal: boolean): () => string {
  vi.useFakeTimers({ toFake: ['performance', 'Date', 'setTimeout', 'clearTimeout'] });
  process.stderr.isTTY = isTerminal;
  let text = '';
  vi.spyOn(process.stderr, 'write').mockImplementation((part) => {
    text += part;
    return true;
  });
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control sequences are removed
  return () => text.replaceAll(/\x1b\[[0-9;?]*[A-Za-z]/g, '');
}

test('in a log: a line at most every ten seconds, with rate and remaining time', () => {
  const text = listen(false);
  const progress = createProgress('embed-sequences', 1000, 'residues');
  vi.advanceTimersByTime(5000);
  progress.add(100);
  expect(text()).toBe('');
  vi.advanceTimersByTime(5000);
  progress.add(150);
  expect(text()).toBe('embed-sequences: 250 of 1000 residues (25%, 25/s, ETA 30 s)\n');
  vi.advanceTimersByTime(9000);
  progress.add(250);
  expect(text().split('\n')).toHaveLength(2);
  progress.stop();
});

test('on a terminal: a bar with rate and remaining time', () => {
  const text = listen(true);
  const progress = createProgress('embed-sequences', 1000, 'residues');
  vi.advanceTimersByTime(10_000);
  progress.add(250);
  progress.stop();
  expect(text()).toMatch(/embed-sequences .* 25% \| 250\/1000 residues \| 25\/s \| ETA \d/);
});
