import { mkdir, readdir, readFile, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { TransientError } from '../../../../workers/src/base/errors.ts';
import { SparseFile } from '../../../../workers/src/search/in-place/reads/sparse-file.ts';
import { mountDisk } from '../../../support/mount-disk.ts';
import { run, tellSkipped, temporaryFolder } from '../../../support/run.ts';

const CONTENT = Buffer.from(Array.from({ length: 100_000 }, (_, i) => i % 251));
const source = {
  async read(into: Uint8Array, position: number) {
    into.set(CONTENT.subarray(position, position + into.length));
  },
  async close() {},
};

/** Returns the files below a folder that this process has open. */
async function openBelow(folder: string): Promise<string[]> {
  const descriptors = await readdir('/proc/self/fd');
  const paths = await Promise.all(descriptors.map((one) => readlink(`/proc/self/fd/${one}`).catch(() => '')));
  return paths.filter((path) => path.startsWith(folder));
}

describe('SparseFile', () => {
  it.skipIf(process.platform !== 'linux')('is open only while it is used', async () => {
    const folder = await temporaryFolder();
    const files = await Promise.all(
      Array.from({ length: 20 }, (_, i) => SparseFile.create(join(folder, `${i}`), CONTENT.length, source)),
    );
    const ranges = [
      { offset: 10, bytes: 500 },
      { offset: 90_000, bytes: 10_000 },
    ];
    await files[0]!.opened(async () => {
      await Promise.all(files.flatMap((file) => [file.fill(ranges), file.fill(ranges.slice(1))]));
      expect(await openBelow(folder)).toEqual([files[0]!.path]);
    });
    expect(await openBelow(folder)).toEqual([]);
    for (const { path } of files) {
      const content = await readFile(path);
      for (const { offset, bytes } of ranges)
        expect(content.subarray(offset, offset + bytes)).toEqual(CONTENT.subarray(offset, offset + bytes));
    }
  });

  it('names the folder and the bytes where the disk is full', async ({ skip }) => {
    const disk = join(await temporaryFolder(), 'disk');
    await mkdir(disk);
    if (!(await mountDisk(disk, '16k'))) {
      tellSkipped('a full disk cannot be tried: mounting one needs root', 'a disk to mount (as root)');
      return skip();
    }
    vi.stubEnv('TMPDIR', disk);
    try {
      const file = await SparseFile.create(join(disk, 'a'), CONTENT.length, source);
      const attempt = file.fill([{ offset: 0, bytes: CONTENT.length }]);
      await expect(attempt).rejects.toThrow(`The disk is full: ${disk} has no space for 100000 bytes`);
      await expect(attempt).rejects.toBeInstanceOf(TransientError);
    } finally {
      vi.unstubAllEnvs();
      await run('umount', [disk]);
    }
  });
});
