import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { writeShard } from '../pipeline/support/shards.ts';
import { lanceflow, lanceflowJson, temporaryFolder } from '../support/run.ts';

test('a list in a file equals its values on the command line, and may be longer than a command line', async () => {
  const folder = await temporaryFolder();
  const at = (name: string) => join(folder, name);
  const names = ['a.h5', '--b c.h5', 'é$(x).h5'];
  for (const [i, name] of names.entries()) await writeShard(at(name), `s${i}_`, 10 + i, 4, i);
  await writeFile(at('all.list'), names.map((name) => `${at(name)}\n`).join(''));
  await writeFile(at('rest.list'), `${at(names[1]!)}\n\n${at(names[2]!)}`);
  const plan = async (name: string, ...args: string[]) => {
    await lanceflowJson(['pack-buckets', '--bucket-size', '20', '--output', at(name), ...args]);
    return readFile(at(name), 'utf8');
  };
  const expected = await plan('1.json', '--input', ...names.map(at));
  expect(await plan('2.json', '--input-list', at('all.list'))).toBe(expected);
  expect(await plan('3.json', `--input-list=${at('rest.list')}`, '--input', at(names[0]!))).toBe(expected);

  // More than 2 MB of paths, the limit of a command line on Linux.
  const many = Array.from({ length: 60_000 }, (_, i) => `/nowhere/${'x'.repeat(40)}${i}.description\n`).join('');
  await writeFile(at('many.list'), many);
  await writeFile(at('latin1.list'), Buffer.from('pr\xf6be.h5\n', 'latin1'));
  await writeFile(at('empty.list'), '\n');
  const refused = async (...args: string[]) => {
    const { code, stderr } = await lanceflow(['pack-buckets', '--output', at('no.json'), ...args]);
    return `${code} ${stderr}`;
  };
  expect(await refused('--input-list', at('many.list'))).toMatch(/^65 .*x0\.description/);
  expect(await refused('--input-list', at('latin1.list'))).toMatch(/^65 .*latin1\.list: is not UTF-8/);
  expect(await refused('--input-list', at('gone.list'))).toMatch(/^65 .*gone\.list: no such file/);
  expect(await refused('--input-list', at('empty.list'))).toMatch(/^64 .*--input needs at least one shard/);
  expect(await refused('--input-list')).toMatch(/^64 .*--input-list is empty/);
  expect(await refused('--input-list', at('all.list'), '--input-list', at('all.list'))).toMatch(/^64 .*given 2 times/);
});
