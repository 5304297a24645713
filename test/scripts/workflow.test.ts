import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { ROOT } from '../support/run.ts';

test('the workflow of GitHub runs commands that exist, those of the README among them', async () => {
  const { jobs } = parse(await readFile(join(ROOT, '.github/workflows/ci.yml'), 'utf8')) as {
    jobs: Record<string, { steps: readonly { run?: string }[] }>;
  };
  const commands = Object.values(jobs).flatMap(({ steps }) => steps.flatMap(({ run }) => run ?? []));
  expect(commands).toContain('npm run demo');
  expect(commands.join('\n')).toMatch(/npm test -- test\/pipeline\/strict-syntax\.test\.ts/);
  expect(commands.join('\n')).toContain('.ci/run');

  const { scripts } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8'));
  for (const [, name] of commands.join('\n').matchAll(/npm run ([\w:]+)/g)) expect(scripts).toHaveProperty([name!]);
  for (const [path] of commands.join('\n').matchAll(/(?:\.ci|test)\/[\w./-]+/g))
    expect(existsSync(join(ROOT, path)), path).toBe(true);
});
