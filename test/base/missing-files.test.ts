import { readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { findStats, returnIfMissing } from '../../workers/src/base/missing-files.ts';
import { temporaryFolder } from '../support/run.ts';

test('a file that does not exist is missing; an inaccessible one is not', async () => {
  const folder = await temporaryFolder();
  const at = (...names: string[]) => join(folder, ...names);
  await writeFile(at('file'), 'text');
  await symlink(at('loop'), at('loop'));
  await symlink(at('nowhere'), at('dangling'));
  expect((await findStats(at('file')))?.size).toBe(4);
  for (const path of [at('nothing'), at('no', 'folder'), at('dangling')]) {
    expect(await findStats(path), path).toBeUndefined();
    expect(await readFile(path, 'utf8').catch(returnIfMissing('none'))).toBe('none');
  }
  for (const [path, code] of [
    [at('file', 'below'), 'ENOTDIR'],
    [at('loop'), 'ELOOP'],
    [at('x'.repeat(300)), 'ENAMETOOLONG'],
  ] as const) {
    await expect(findStats(path)).rejects.toMatchObject({ code });
    await expect(readFile(path, 'utf8').catch(returnIfMissing('none'))).rejects.toMatchObject({ code });
  }
});
