import { mkdir, readdir, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { processName } from '../../../workers/src/base/files/process-name.ts';
import { localLocks } from '../../../workers/src/database/local/local-locks.ts';
import { observingFs } from '../../../workers/src/database/node/observed-lock.ts';
import { temporaryFolder } from '../../support/run.ts';

const HOUR_MS = 3_600_000;
const unexpected = (error: Error) => {
  throw error;
};

/** Creates a folder with a lock whose holder's clock differs from this machine's. */
async function lockedBy(holder: string, aheadMs: number): Promise<{ root: string; lock: string }> {
  const root = await temporaryFolder();
  const lock = join(root, '_pending/bucket_00001.lock');
  await mkdir(lock, { recursive: true });
  await writeFile(join(root, '_pending/bucket_00001.holder'), holder);
  await setClock(lock, aheadMs);
  return { root, lock };
}

function setClock(lock: string, aheadMs: number): Promise<void> {
  const at = new Date(Date.now() + aheadMs);
  return utimes(lock, at, at);
}

describe('the lock of a bucket in a folder', () => {
  it.each([
    ['ahead', HOUR_MS],
    ['behind', -HOUR_MS],
  ])('of a killed process whose clock was %s is taken over', async (_name, aheadMs) => {
    const { root } = await lockedBy(`${processName().split('.')[0]}.4194305`, aheadMs);
    const release = await localLocks(root).acquire('bucket_00001', unexpected);
    expect((await readdir(join(root, '_pending'))).sort()).toEqual(['bucket_00001.holder', 'bucket_00001.lock']);
    await release();
    expect(await readdir(join(root, '_pending'))).toEqual([]);
  });
});

describe('the age of a lock for a waiting process', () => {
  afterEach(() => void vi.useRealTimers());

  it.each([HOUR_MS, 0, -HOUR_MS])(
    'is the time since it last changed, if its clock differs by %i ms',
    async (aheadMs) => {
      const { lock } = await lockedBy('elsewhere.1', aheadMs);
      vi.useFakeTimers({ toFake: ['performance', 'Date'] });
      const fs = observingFs();
      const age = async () => {
        await expect(promisify(fs.mkdir)(lock)).rejects.toMatchObject({ code: 'EEXIST' });
        return Date.now() - (await promisify(fs.stat)(lock)).mtime.getTime();
      };
      expect(await age()).toBe(0);
      vi.advanceTimersByTime(14_000);
      expect(await age()).toBe(14_000);
      await setClock(lock, aheadMs);
      expect(await age()).toBe(0);
      vi.advanceTimersByTime(16_000);
      expect(await age()).toBe(16_000);
    },
  );

  it('is at least the age of its time stamp if all processes share one clock', async () => {
    for (const [aheadMs, aged] of [
      [HOUR_MS, 0],
      [-HOUR_MS, HOUR_MS],
    ] as const) {
      const { lock } = await lockedBy('elsewhere.1', aheadMs);
      const fs = observingFs(true);
      await promisify(fs.mkdir)(lock).catch(() => {});
      const age = Date.now() - (await promisify(fs.stat)(lock)).mtime.getTime();
      expect(Math.abs(age - aged)).toBeLessThan(60_000);
    }
  });

  it('comes from the file system for the process’s own lock', async () => {
    const { lock } = await lockedBy('elsewhere.1', HOUR_MS);
    const { mtimeMs } = await promisify(observingFs().stat)(lock);
    expect(mtimeMs).toBeGreaterThan(Date.now() + HOUR_MS / 2);
  });
});
