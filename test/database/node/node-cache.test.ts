import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { TransientError, UsageError } from '../../../workers/src/base/errors.ts';
import { processName } from '../../../workers/src/base/files/process-name.ts';
import { type CacheEntry, NodeCache } from '../../../workers/src/database/node/node-cache.ts';
import { ROOT, run, sharedFolder, tellSkipped } from '../../support/run.ts';

const MB = 2 ** 20;

describe('NodeCache', () => {
  let disk = '';
  let mounted = false;
  let cache: NodeCache;

  beforeAll(async () => {
    disk = join(await sharedFolder(), 'disk');
    await mkdir(disk);
    // 256 MiB stay free, so the cache has 24.
    const { code } = await run('mount', ['-t', 'tmpfs', '-o', 'size=280m', 'tmpfs', disk]).catch(() => ({ code: 1 }));
    mounted = code === 0;
    if (!mounted) tellSkipped('a small disk cannot be tried: mounting one needs root', 'a disk to mount (as root)');
  });
  afterAll(async () => {
    if (mounted) await run('umount', [disk]);
  });
  beforeEach(async ({ skip }) => {
    if (!mounted) return skip();
    vi.unstubAllEnvs();
    cache = new NodeCache(disk);
    await cache.evict('');
  });

  const at = (name: string) => join(disk, 'lanceflow-cache', name);
  const fill = (entry: CacheEntry, megabytes: number) =>
    cache.fill(entry, () => writeFile(join(entry.folder, 'data'), Buffer.alloc(megabytes * MB, 1)));

  async function filled(name: string, megabytes: number): Promise<CacheEntry> {
    const entry = await cache.use(name, megabytes * MB);
    await fill(entry, megabytes);
    return entry;
  }

  it('keeps unused entries until their space is needed, and evicts the least recently used first', async () => {
    for (const name of ['a', 'b', 'c']) await (await filled(name, 7)).release();
    // a is used again, so b is the oldest.
    const again = await cache.use('a', 7 * MB);
    expect(existsSync(join(again.folder, 'data'))).toBe(true);
    await sleep(20);
    await again.release();
    const d = await filled('d', 7);
    expect(['a', 'b', 'c', 'd'].filter((name) => existsSync(at(name)))).toEqual(['a', 'c', 'd']);
    await d.release();
  });

  it('keeps entries in use, and reports that others occupy the space', async () => {
    const used = await filled('used', 14);
    const failed = cache.use('more', 14 * MB);
    await expect(failed).rejects.toThrow(TransientError);
    await expect(failed).rejects.toThrow(/14\.7 MB are needed, and .* are free/);
    expect(existsSync(join(at('used'), 'data'))).toBe(true);
    await used.release();
    await (await filled('more', 14)).release();
    expect(existsSync(at('used'))).toBe(false);
  });

  it('counts space that others have reserved but not written yet', async () => {
    const first = await cache.use('first', 14 * MB);
    await expect(cache.use('second', 14 * MB)).rejects.toThrow(TransientError);
    await first.release();
    await (await cache.use('second', 14 * MB)).release();
  });

  it('evicts entries of a killed process', async () => {
    await (await filled('left', 14)).release();
    const deadPid = `${processName().split('.')[0]}.4194305`;
    await writeFile(join(at('left'), '.users', 'dead'), deadPid);
    // The mark of another machine, not renewed for an hour.
    await writeFile(join(at('left'), '.users', 'silent'), 'elsewhere.1');
    const hourAgo = new Date(Date.now() - 3_600_000);
    await utimes(join(at('left'), '.users', 'silent'), hourAgo, hourAgo);
    // An entry that a killed process was removing.
    await mkdir(at(`.old.${deadPid}.00000000.tmp`));
    await (await filled('new', 14)).release();
    expect(await readdir(join(disk, 'lanceflow-cache'))).toEqual(['new']);
  });

  it('reports a disk that is too small before anything is written', async () => {
    const failed = cache.use('large', 40 * MB);
    await expect(failed).rejects.toThrow(UsageError);
    await expect(failed).rejects.toThrow(/41\.9 MB are needed, but the whole disk has 294 MB.*--stream/);
  });

  it('fills an entry once for any number of processes', async () => {
    let fills = 0;
    const want = async () => {
      const entry = await cache.use('shared', MB);
      await cache.fill(entry, async () => {
        if (existsSync(join(entry.folder, 'data'))) return;
        fills++;
        await sleep(50);
        await writeFile(join(entry.folder, 'data'), 'x');
      });
      await entry.release();
    };
    await Promise.all([want(), want(), want()]);
    expect(fills).toBe(1);
  });

  it('reserves space beside the entries, against entries and other reservations', async () => {
    await (await filled('kept', 14)).release();
    const scratch = join(disk, 'scratch');
    await mkdir(scratch);
    const release = await cache.reserve(scratch, 20 * MB);
    // Evicted for its space.
    expect(existsSync(at('kept'))).toBe(false);
    const refused = cache.use('entry', 8 * MB);
    await expect(refused).rejects.toThrow(TransientError);
    await expect(refused).rejects.toThrow(
      /8\.4 MB are needed, and 25\.\d MB are free, of which other tasks have reserved 21\.0 MB;.*could free 0 B/,
    );
    await expect(cache.reserve(join(disk, 'other'), 8 * MB)).rejects.toThrow(/other tasks have reserved/);
    // Written bytes count as taken, no longer as reserved. A hard link takes no space.
    await writeFile(join(scratch, 'run'), Buffer.alloc(20 * MB, 1));
    await (await cache.use('entry', 2 * MB)).release();
    await expect(cache.use('entry', 8 * MB)).rejects.toThrow(/of which other tasks have reserved 0 B/);
    await release();
    await rm(scratch, { recursive: true });
    await (await cache.use('entry', 8 * MB)).release();
  });

  it('evicts nothing if that would not free enough', async () => {
    await (await filled('kept', 7)).release();
    const used = await filled('used', 7);
    await expect(cache.reserve(disk, 20 * MB)).rejects.toThrow(/kept tables that nobody uses could free 7\.3 MB/);
    expect(existsSync(at('kept'))).toBe(true);
    await used.release();
  });

  it('ignores the reservation of a killed process', async () => {
    const source = `import { NodeCache } from ${JSON.stringify(join(ROOT, 'workers/src/database/node/node-cache.ts'))};
      await new NodeCache(process.argv[1]).reserve(process.argv[1], ${20 * MB});
      console.log('reserved');
      setInterval(() => {}, 1000);`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', source, disk], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(child.stdout, 'data');
    await expect(cache.reserve(disk, 8 * MB)).rejects.toThrow(/other tasks have reserved 21\.0 MB/);
    child.kill('SIGKILL');
    await once(child, 'exit');
    await (await cache.reserve(disk, 8 * MB))();
  });

  it('keeps unused entries within their share of the disk', async () => {
    // 5% of 280 MiB: 14 MiB.
    vi.stubEnv('LANCEFLOW_WORK_KEEP', '0.05');
    cache = new NodeCache(disk);
    const [first, second] = [await filled('first', 8), await filled('second', 8)];
    await first.release();
    expect(existsSync(at('first'))).toBe(true);
    await sleep(20);
    await second.release();
    expect(await readdir(join(disk, 'lanceflow-cache'))).toEqual(['second']);
    vi.stubEnv('LANCEFLOW_WORK_KEEP', '0');
    await (await new NodeCache(disk).use('second', 8 * MB)).release();
    expect(await readdir(join(disk, 'lanceflow-cache'))).toEqual([]);
    for (const wrong of ['x', '1.5', '-1']) {
      vi.stubEnv('LANCEFLOW_WORK_KEEP', wrong);
      expect(() => new NodeCache(disk)).toThrow(UsageError);
    }
  });

  it('adopts a finished folder', async () => {
    const made = join(disk, 'made');
    await mkdir(made);
    await writeFile(join(made, 'x'), 'x');
    await cache.adopt('adopted', made);
    expect(existsSync(join(at('adopted'), 'made', 'x'))).toBe(true);
    await cache.evict('adop');
    expect(existsSync(at('adopted'))).toBe(false);
  });
});
