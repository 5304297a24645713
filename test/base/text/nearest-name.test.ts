import { expect, test } from 'vitest';
import { findNearestName } from '../../../workers/src/base/text/nearest-name.ts';
import { COMMANDS } from '../../../workers/src/commands/index.ts';

const OPTIONS = ['bucket', 'database', 'queries', 'k', 'nprobes', 'refine-factor', 'max-distance', 'help'];

test.each([
  ['hlep', 'help'],
  ['nprobe', 'nprobes'],
  ['Refine_Factor', 'refine-factor'],
  ['databse', 'database'],
  ['data', 'database'],
  ['max-dist', 'max-distance'],
  ['j', 'k'],
  ['colour', undefined],
  ['xy', undefined],
])('--%s: %s', (typed, meant) => {
  expect(findNearestName(typed, OPTIONS)).toBe(meant);
});

test('a command is found by each of its misspellings with one letter less, more, other or swapped', () => {
  const names = Object.keys(COMMANDS);
  for (const name of names)
    for (let i = 1; i < name.length; i++) {
      const [before, after] = [name.slice(0, i), name.slice(i + 1)];
      const swapped = `${before.slice(0, -1)}${name[i]}${name[i - 1]}${after}`;
      for (const typed of [before + after, `${before}x${name.slice(i)}`, `${before}x${after}`, swapped])
        expect(findNearestName(typed, names), typed).toBe(name);
    }
});
