import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ROOT } from '../support/run.ts';
import { documents, readDocument, withoutBlocks } from './support/markdown.ts';

// No text may cite a file, a page or a script that is not in the repository.

/** Pages with links outside docs/. */
const OTHERS = ['CHANGELOG.md', 'containers/README.md'];
const FOLDERS = 'bench|bin|conf|containers|demo|docs|fuzz|infra|lib|modules|scripts|test|workers|workflows';
/** A file in one of the repository's folders: with an extension, which excludes folders of examples. */
const FILE = new RegExp(`(?<![\\w./-])(?:\\.\\./)?((?:${FOLDERS})/[\\w./-]*\\.[a-z]\\w*)`, 'g');
/** A file at the repository's root, in code font. */
const ROOT_FILE = /`((?:main|nextflow)[\w.]*\.(?:nf|config|json)|(?:package|package-lock|tsconfig|biome)\.json)`/g;

test('every file of the repository that a document names exists', async () => {
  const absent: string[] = [];
  for (const file of [...(await documents()), ...OTHERS]) {
    const text = await readDocument(file);
    // Files that an example creates are not in the repository.
    for (const pattern of [FILE, ROOT_FILE])
      for (const [, path] of withoutBlocks(text).matchAll(pattern))
        if (!existsSync(join(ROOT, path!)) && !text.includes(`<!-- file: ${path} -->`)) absent.push(`${file}: ${path}`);
  }
  expect(absent).toEqual([]);
});

test('every npm script that a document names exists', async () => {
  const { scripts } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>;
  };
  const absent: string[] = [];
  for (const file of [...(await documents()), ...OTHERS])
    for (const [, name] of (await readDocument(file)).matchAll(/\bnpm (?:--prefix \S+ )?run ([\w:]+)/g))
      if (!Object.hasOwn(scripts, name!)) absent.push(`${file}: npm run ${name}`);
  expect(absent).toEqual([]);
});

test('every page that the sources name exists', async () => {
  const absent: string[] = [];
  for (const path of await sourceFiles())
    for (const [, page] of (await readFile(join(ROOT, path), 'utf8')).matchAll(/(docs\/[\w/-]+\.md)/g))
      if (!existsSync(join(ROOT, page!))) absent.push(`${path}: ${page}`);
  expect(absent).toEqual([]);
});

async function sourceFiles(): Promise<string[]> {
  const found = ['main.nf', 'nextflow.config', 'nextflow_schema.json', 'package.json'];
  for (const folder of FOLDERS.split('|').filter((name) => name !== 'docs'))
    for (const entry of await readdir(join(ROOT, folder), { recursive: true, withFileTypes: true }))
      if (entry.isFile() && /\.(ts|mjs|groovy|nf|config|json|sh|ya?ml|py)$/.test(entry.name))
        found.push(join(entry.parentPath, entry.name).slice(ROOT.length).replace(/^\//, ''));
  return found;
}
