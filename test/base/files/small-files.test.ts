import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { findStatsQuickly, readStart } from '../../../workers/src/base/files/small-files.ts';
import { temporaryFolder } from '../../support/run.ts';

test('reads the start of a file, whatever was read before', async () => {
  const folder = await temporaryFolder();
  const at = (name: string) => join(folder, name);
  await writeFile(
    at('long'),
    Uint8Array.from({ length: 5000 }, (_, i) => i),
  );
  await writeFile(at('short'), 'abc');
  await writeFile(at('empty'), '');
  const texts: string[] = [];
  const both = await Promise.all([readStart(at('long'), 1000), readStart(at('short'), 10)]);
  for (const bytes of both) texts.push(`${bytes.length} ${bytes.at(-1)}`);
  expect(texts).toEqual(['1000 231', '3 99']);
  // A later read must not change what was returned.
  await readStart(at('long'), 3);
  expect(Buffer.from(both[1]!).toString()).toBe('abc');
  expect(await readStart(at('empty'), 10)).toHaveLength(0);
  expect(await findStatsQuickly(at('none'))).toBeUndefined();
  expect((await findStatsQuickly(at('long')))?.size).toBe(5000);
  await expect(readStart(at('none'), 10)).rejects.toMatchObject({ code: 'ENOENT' });
  await mkdir(at('folder'));
  await expect(readStart(at('folder'), 10)).rejects.toMatchObject({ code: 'EISDIR' });
});

test('timers have their turn during many reads', async () => {
  const folder = await temporaryFolder();
  await writeFile(join(folder, 'a'), 'abc');
  let turns = 0;
  const timer = setInterval(() => turns++, 1);
  try {
    const endMs = performance.now() + 200;
    while (performance.now() < endMs) await readStart(join(folder, 'a'), 10);
  } finally {
    clearInterval(timer);
  }
  expect(turns).toBeGreaterThan(0);
});
