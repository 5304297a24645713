import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { savedCommand } from '../../bench/support/saved-command.ts';
import { ROOT } from '../support/run.ts';

test('a saved command has no folder of the machine', () => {
  expect(savedCommand('ask', ['--folder', '/data', '--runs', '5'])).toBe('npm run bench -- ask --runs 5');
  const s3 = ['--methods', 'other,lanceflow-2', '--other', '../earlier', '--files', '6x450'];
  expect(savedCommand('s3', s3)).toBe('npm run bench -- s3 --methods other,lanceflow-2 --other CHECKOUT --files 6x450');
  expect(savedCommand('s3', ['--other=/home/me/earlier', '--folder=/data'])).toBe(
    'npm run bench -- s3 --other CHECKOUT',
  );
});

test('no result has a path of a machine', async () => {
  const folder = join(ROOT, 'bench/results');
  for (const name of await readdir(folder))
    expect(await readFile(join(folder, name), 'utf8'), name).not.toMatch(/["= ](\.\.?)?\/[\w.-]+/);
});
