import { readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { expect, test } from 'vitest';
import { makePages } from '../../scripts/docs.ts';
import { ROOT } from '../support/run.ts';
import { compareFields } from './support/fields.ts';
import { parseTables, readDocument } from './support/markdown.ts';

test('the generated pages are what `npm run docs` writes', async () => {
  const pages = await makePages();
  expect([...pages.keys()]).toEqual([
    'docs/parameters.md',
    'docs/commands.md',
    'docs/monitoring.md',
    'docs/events.schema.json',
  ]);
  for (const [path, text] of pages) expect(await readDocument(path), `${path}: run npm run docs`).toBe(text);
});

test('commands.md has a section for every command, and links to it', async () => {
  const text = await readDocument('docs/commands.md');
  const files = await readdir(join(ROOT, 'workers/src/commands'), { recursive: true });
  const names = files.filter((file) => /(?<!index)\.ts$/.test(file)).map((file) => basename(file, '.ts'));
  expect([...text.matchAll(/^<!-- begin: (.+) -->$/gm)].map(([, name]) => name).sort()).toEqual(names.sort());
  for (const name of names) expect(text).toContain(`[${name}](#${name})`);
});

test('a field that its parent requires may be missing only with its parent', () => {
  const [table] = parseTables(`
| field | type | meaning |
|---|---|---|
| \`a\` | list | optional |
| \`a[].b\` | integer | required where its parent is there |
| \`a[].c\` | integer | optional |`);
  expect(compareFields({}, table!)).toEqual([]);
  expect(compareFields({ a: [] }, table!)).toEqual([]);
  expect(compareFields({ a: [{ b: 1 }] }, table!)).toEqual([]);
  expect(compareFields({ a: [{ c: 1 }] }, table!)).toEqual(['not there: a[].b']);
});
