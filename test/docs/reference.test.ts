import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { dirname, join, normalize } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { COMMANDS, loadCommand } from '../../workers/src/commands/index.ts';
import { ROOT } from '../support/run.ts';
import { codeOf, documents, parseTables, readDocument, type Table, withoutBlocks } from './support/markdown.ts';

// Compares the documents with the code: parameters, options, messages, links.

const files = await documents();
const texts = new Map<string, string>();
beforeAll(async () => {
  for (const file of files) texts.set(file, await readDocument(file));
});

function tablesMarked(file: string, mark: string): Table[] {
  return parseTables(texts.get(file) ?? '').filter(({ comment }) => comment === mark);
}

test('parameters.md lists the parameters of nextflow_schema.json, with their defaults', async () => {
  const schema = JSON.parse(await readFile(join(ROOT, 'nextflow_schema.json'), 'utf8')) as {
    $defs: Record<string, { properties: Record<string, { default?: unknown }> }>;
  };
  const wanted = Object.values(schema.$defs).flatMap(({ properties }) =>
    Object.entries(properties).map(([name, { default: value }]) => [
      `--${name}`,
      value === undefined ? '' : `${value}`,
    ]),
  );
  const rows = parseTables(texts.get('docs/parameters.md') ?? '').flatMap(({ comment, rows }) =>
    comment.startsWith('parameters: ') ? rows : [],
  );
  expect(rows.map(([name, value]) => [codeOf(name!), codeOf(value!)])).toEqual(wanted);
});

describe('commands.md lists the options of every command', async () => {
  const names = Object.keys(COMMANDS);
  test.each(names)('%s', async (name) => {
    const command = await loadCommand(name);
    const [table] = tablesMarked('docs/commands.md', `options: ${name}`);
    expect(table?.rows.map(([option]) => codeOf(option!))).toEqual(
      Object.keys(command.options).map((key) => `--${key}`),
    );
    for (const [option, value] of table!.rows) {
      const standard = (command.options as Record<string, { default?: unknown }>)[codeOf(option!).slice(2)]!.default;
      // A default in words is one that the code computes.
      if (value!.startsWith('`') && standard !== undefined) expect(codeOf(value!), option).toBe(String(standard));
      if (standard !== undefined) expect(value, option).not.toBe('');
    }
  });
});

test('every message in the table of errors is in the code', async () => {
  const sources = await sourceTexts(['bin', 'lib', 'scripts', 'workers/src']);
  const tables = tablesMarked('docs/troubleshooting.md', 'messages');
  expect(tables).toHaveLength(1);
  const absent = tables[0]!.rows.map(([message]) => codeOf(message!)).filter((message) => !sources.includes(message));
  expect(absent).toEqual([]);
});

test('the tables of variables list every variable that the sources read', async () => {
  const sources = await sourceTexts(['bin', 'containers', 'lib', 'workers/src']);
  const read = sources.matchAll(/\bLANCEFLOW_[A-Z][A-Z_0-9]*[A-Z0-9]\b/g);
  const names = new Set([...read].map(([name]) => name));
  // Constants of the code.
  for (const constant of ['LANCEFLOW_VERSION']) names.delete(constant);
  const tables = ['docs/guide.md', 'CONTRIBUTING.md'].flatMap((file) => tablesMarked(file, 'variables'));
  const listed = tables.flatMap(({ rows }) => rows.flatMap(([cell]) => cell!.split(', ').map(codeOf)));
  expect(listed.sort()).toEqual([...names].sort());
});

test('formats.md lists the limits', async () => {
  const limits = await import('../../workers/src/base/limits.ts');
  const [table] = tablesMarked('docs/formats.md', 'limits');
  expect(Object.fromEntries(table!.rows.map(([name, value]) => [codeOf(name!), Number(value)]))).toEqual({ ...limits });
});

test('every link leads somewhere', () => {
  const broken: string[] = [];
  for (const [file, text] of texts)
    for (const [, target] of withoutBlocks(text).matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^https?:/.test(target!)) continue;
      const [path = '', anchor] = target!.split('#');
      const linked = path === '' ? file : normalize(join(dirname(file), path));
      if (!existsSync(join(ROOT, linked))) broken.push(`${file}: ${target}`);
      else if (anchor !== undefined && !anchors(texts.get(linked) ?? '').includes(anchor))
        broken.push(`${file}: ${target}`);
    }
  expect(broken).toEqual([]);
});

test('every path in the repository that is named in code font exists', () => {
  const absent: string[] = [];
  // Files that an example creates are not in the repository.
  for (const [file, text] of texts)
    for (const [, path] of withoutBlocks(text).matchAll(
      /`((?:bench|bin|conf|containers|demo|docs|lib|modules|scripts|test|workers|workflows)\/[\w./-]*)`/g,
    ))
      if (!existsSync(join(ROOT, path!)) && !text.includes(`<!-- file: ${path} -->`)) absent.push(`${file}: ${path}`);
  expect(absent).toEqual([]);
});

test('the index of decisions lists every decision', async () => {
  const names = (await readdir(join(ROOT, 'docs/adr'))).filter((name) => /^\d{4}-/.test(name)).sort();
  const index = texts.get('docs/adr/README.md') ?? '';
  expect([...index.matchAll(/\]\((\d{4}-[^)]+)\)/g)].map(([, name]) => name)).toEqual(names);
});

test('versions agree', async () => {
  const { version } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as { version: string };
  expect(await readFile(join(ROOT, 'nextflow.config'), 'utf8')).toContain(`'${version}'`);
  expect(await readDocument('CHANGELOG.md')).toContain(`## ${version}`);
  const citation = await readFile(join(ROOT, 'CITATION.cff'), 'utf8');
  expect(citation).toContain(`\nversion: ${version}\n`);
});

/** Reads the sources as one text, with string literals of several pieces joined. */
async function sourceTexts(folders: readonly string[]): Promise<string> {
  const parts: string[] = [];
  for (const folder of folders)
    for (const entry of await readdir(join(ROOT, folder), { recursive: true, withFileTypes: true }))
      if (entry.isFile()) parts.push(await readFile(join(entry.parentPath, entry.name), 'utf8'));
  return parts.join('\n').replace(/["'`]\s*\+\s*["'`]/g, '');
}

/** Returns the anchors that GitHub makes of a document's headings. */
function anchors(text: string): string[] {
  const seen = new Map<string, number>();
  return [...withoutBlocks(text).matchAll(/^#+ +(.*)$/gm)].map(([, heading]) => {
    const name = heading!
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .trim()
      .replaceAll(' ', '-');
    const count = seen.get(name) ?? 0;
    seen.set(name, count + 1);
    return count === 0 ? name : `${name}-${count}`;
  });
}
