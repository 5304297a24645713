import { open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { checksumOfFile } from '../../workers/src/base/bytes/file-checksum.ts';
import { describeFiles } from '../../workers/src/lance/describe-files.ts';
import { temporaryFolder } from '../support/run.ts';

describe('describeFiles', () => {
  it.each([1, 3])('returns sizes and checksums of small and large files, with %i threads', async (threads) => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, 'empty'), '');
    await writeFile(join(folder, 'small'), 'abc');
    // Longer than two ranges. Bytes that are not written read as zeros.
    const large = await open(join(folder, 'large'), 'w');
    await large.write('begin', 0);
    await large.write('middle', 64 * 2 ** 20 - 3);
    await large.write('end', 130 * 2 ** 20);
    await large.close();
    const names = ['small', 'large', 'empty'];
    const sums = await Promise.all(names.map((name) => checksumOfFile(join(folder, name))));
    expect(await describeFiles(folder, names, [], threads)).toEqual([
      { path: 'small', bytes: 3, checksum: sums[0] },
      { path: 'large', bytes: 130 * 2 ** 20 + 3, checksum: sums[1] },
      { path: 'empty', bytes: 0, checksum: sums[2] },
    ]);
  });

  it('does not read a file whose checksum is known, unless its size differs', async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, 'a'), 'abc');
    await writeFile(join(folder, 'b'), 'abc');
    const known = [
      { path: 'a', bytes: 3, checksum: 'known' },
      { path: 'b', bytes: 4, checksum: 'other' },
    ];
    const described = await describeFiles(folder, ['a', 'b'], known, 1);
    expect(described.map(({ checksum }) => checksum)).toEqual(['known', await checksumOfFile(join(folder, 'a'))]);
  });

  it('names a file that is missing', async () => {
    await expect(describeFiles(await temporaryFolder(), ['gone'], [], 1)).rejects.toThrow(/ENOENT.*gone/);
  });
});
