import { expect, it } from 'vitest';
import { WrittenBytes } from '../../../workers/src/base/concurrency/written-bytes.ts';

const never = new AbortController().signal;

it('is waited for until the bytes are there, by any number of readers', async () => {
  const written = new WrittenBytes();
  const reached: number[] = [];
  const waiting = [0, 1, 10, 10, 11].map(async (bytes) => {
    await written.reach(bytes, never);
    reached.push(bytes);
  });
  const settle = () => new Promise((resolve) => setImmediate(resolve));
  await settle();
  expect(reached).toEqual([0]);
  for (const bytes of [10, 5, 10]) {
    written.announce(bytes);
    await settle();
    expect(reached).toEqual([0, 1, 10, 10]);
  }
  written.announce(2 ** 40);
  await Promise.all(waiting);
  expect(reached).toEqual([0, 1, 10, 10, 11]);
});

it('is waited for no longer when the signal is aborted', async () => {
  const written = new WrittenBytes();
  const stop = new AbortController();
  const waiting = written.reach(1, stop.signal);
  stop.abort(new Error('stopped'));
  await expect(waiting).rejects.toThrow('stopped');
  await expect(written.reach(0, stop.signal)).rejects.toThrow('stopped');
});
