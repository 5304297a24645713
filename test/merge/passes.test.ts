import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { planPass } from '../../workers/src/merge/passes.ts';

const MB = 2 ** 20;
const inputs = fc
  .array(fc.record({ rows: fc.nat(1e6), readBytes: fc.integer({ min: MB, max: 40 * MB }) }), { maxLength: 300 })
  .map((files) => files.map((file, i) => ({ path: `hits${i}`, ...file })));

describe('planPass', () => {
  it('puts every input into one group, and makes progress', () => {
    fc.assert(
      fc.property(
        inputs,
        fc.integer({ min: 1, max: 8 }),
        fc.integer({ min: MB, max: 1024 * MB }),
        (files, threads, memory) => {
          const { groups, last } = planPass(files, threads, memory);
          expect(groups.flat().sort()).toEqual(files.map(({ path }) => path).sort());
          expect(groups.every((group) => group.length > 0)).toBe(true);
          if (last) expect(groups.length).toBeLessThanOrEqual(threads);
          else expect(groups.length).toBeLessThan(files.length);
        },
      ),
    );
  });

  it('merges thousands of files in two passes, a bounded number at a time', () => {
    const files = Array.from({ length: 5000 }, (_, i) => ({ path: `${i}`, rows: 100, readBytes: 5 * MB }));
    const first = planPass(files, 2, 320 * MB);
    expect(first.last).toBe(false);
    expect(Math.max(...first.groups.map((group) => group.length))).toBeLessThanOrEqual(32);
    const second = planPass(
      first.groups.map((_, i) => ({ ...files[i]! })),
      2,
      320 * MB,
    );
    const third = planPass(
      second.groups.map((_, i) => ({ ...files[i]! })),
      2,
      320 * MB,
    );
    expect([second.last, third.last]).toEqual([false, true]);
  });

  it('divides work among all threads even if one would suffice', () => {
    const files = Array.from({ length: 20 }, (_, i) => ({ path: `${i}`, rows: 100, readBytes: 5 * MB }));
    expect(planPass(files, 2, 320 * MB)).toMatchObject({ last: true });
    expect(planPass(files, 2, 320 * MB).groups.map((group) => group.length)).toEqual([10, 10]);
    expect(planPass(files.slice(0, 1), 4, 320 * MB).groups).toEqual([['0']]);
    expect(planPass([], 4, 320 * MB)).toEqual({ groups: [], last: true });
  });
});
