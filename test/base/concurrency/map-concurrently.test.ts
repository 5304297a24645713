import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { mapConcurrently } from '../../../workers/src/base/concurrency/map-concurrently.ts';
import { seededRandom } from '../../../workers/src/base/random.ts';

describe('mapConcurrently', () => {
  for (const concurrency of [1, 3, 200])
    it(`returns results in order with at most ${concurrency} calls running`, async () => {
      const random = seededRandom(concurrency);
      const items = Array.from({ length: 50 }, (_, i) => i);
      let running = 0;
      let most = 0;
      const results = await mapConcurrently(items, concurrency, async (item, index) => {
        most = Math.max(most, ++running);
        for (let turns = Math.floor(random() * 5); turns >= 0; turns--) await nextTurn();
        running--;
        return [item * item, index];
      });
      expect(results).toEqual(items.map((item) => [item * item, item]));
      expect(most).toBe(Math.min(concurrency, items.length));
    });

  it('reads items only as calls start', async () => {
    let read = 0;
    let used = 0;
    function* items() {
      for (; read < 20; read++) yield read;
    }
    await mapConcurrently(items(), 2, async () => {
      await nextTurn();
      used++;
      expect(read - used).toBeLessThanOrEqual(2);
    });
    expect(used).toBe(20);
  });

  it('throws the first failure when running calls have ended, and starts no more', async () => {
    const started: number[] = [];
    const ended: number[] = [];
    const items = Array.from({ length: 10 }, (_, i) => i);
    const mapped = mapConcurrently(items, 3, async (item, _, signal) => {
      started.push(item);
      await nextTurn();
      if (item === 1) throw new Error('first');
      while (!signal.aborted) await nextTurn();
      ended.push(item);
      throw new Error('aborted');
    });
    await expect(mapped).rejects.toThrow('first');
    expect(started).toEqual([0, 1, 2]);
    expect(ended.sort()).toEqual([0, 2]);
  });

  it('throws what reading the items throws', async () => {
    function* items() {
      yield 1;
      throw new RangeError('no more');
    }
    await expect(mapConcurrently(items(), 2, async (item) => item)).rejects.toThrow(RangeError);
    expect(await mapConcurrently([], 4, async () => 1)).toEqual([]);
  });
});
