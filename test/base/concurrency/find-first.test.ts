import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { findFirst } from '../../../workers/src/base/concurrency/find-first.ts';

/** Calls that end when the test says so. */
function heldCalls() {
  const calls = new Map<
    number,
    { resolve: (found?: string) => void; reject: (error: Error) => void; signal: AbortSignal }
  >();
  const find = (item: number, signal: AbortSignal) =>
    new Promise<string | undefined>((resolve, reject) => calls.set(item, { resolve, reject, signal }));
  return { calls, find };
}

describe('findFirst', () => {
  it('returns the first of several results, in the order of the items', async () => {
    const { calls, find } = heldCalls();
    const finding = findFirst([0, 1, 2, 3, 4], 3, find);
    calls.get(2)!.resolve('two');
    await sleep(0);
    // No later item is begun, and earlier ones go on.
    expect([...calls.keys()]).toEqual([0, 1, 2]);
    expect([0, 1].map((item) => calls.get(item)!.signal.aborted)).toEqual([false, false]);
    calls.get(0)!.resolve();
    calls.get(1)!.resolve('one');
    expect(await finding).toBe('one');
  });

  it('aborts later items, and ignores what they throw', async () => {
    const { calls, find } = heldCalls();
    const finding = findFirst([0, 1], 2, find);
    calls.get(0)!.resolve('zero');
    await sleep(0);
    expect(calls.get(1)!.signal.aborted).toBe(true);
    calls.get(1)!.reject(new Error('aborted'));
    expect(await finding).toBe('zero');
  });

  it('throws the error of an item before the first result', async () => {
    const { calls, find } = heldCalls();
    const finding = findFirst([0, 1], 2, find);
    calls.get(1)!.resolve('one');
    calls.get(0)!.reject(new Error('unreadable'));
    await expect(finding).rejects.toThrow('unreadable');
  });

  it('returns undefined where none has a result', async () => {
    expect(await findFirst([1, 2, 3], 2, async () => undefined)).toBeUndefined();
    expect(await findFirst([], 2, async () => 'x')).toBeUndefined();
  });
});
