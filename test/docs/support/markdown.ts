import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ROOT } from '../../support/run.ts';

/** A fenced block of a document. */
export interface Block {
  /** Path of the document in the repository. */
  file: string;
  /** Line of the opening fence, from 1. */
  line: number;
  /** First word after the fence. */
  language: string;
  /** The other words: `no-test`, `output`, `fails=65`. */
  marks: string[];
  text: string;
  /** The HTML comment on the line above the fence, without its marks. */
  comment: string;
}

/** A table of a document: the cells of every row but the header and the ruler. */
export interface Table {
  line: number;
  header: string[];
  rows: string[][];
  /** The HTML comment on the line above the table, without its marks. */
  comment: string;
}

/** The documents in the order of a newcomer; blocks run in this order. */
const READING_ORDER = [
  'README.md',
  'docs/guide.md',
  'docs/inputs.md',
  'docs/commands.md',
  'docs/output.md',
  'docs/formats.md',
  'docs/models.md',
  'docs/architecture.md',
  'CONTRIBUTING.md',
];

/** Returns the paths of all documents: those above, then the rest of docs/. */
export async function documents(): Promise<string[]> {
  const names = await readdir(join(ROOT, 'docs'), { recursive: true });
  const others = names.map((name) => `docs/${name}`).filter((name) => name.endsWith('.md'));
  return [...READING_ORDER, ...others.filter((name) => !READING_ORDER.includes(name)).sort()].filter((name) =>
    existsSync(join(ROOT, name)),
  );
}

/** Reads a document. */
export function readDocument(file: string): Promise<string> {
  return readFile(join(ROOT, file), 'utf8');
}

/** Returns the fenced blocks of a document. */
export function parseBlocks(file: string, text: string): Block[] {
  const lines = text.split('\n');
  const blocks: Block[] = [];
  for (let at = 0; at < lines.length; at++) {
    const fence = /^( *)(`{3,})(.*)$/.exec(lines[at]!);
    if (!fence) continue;
    const [language = '', ...marks] = fence[3]!.trim().split(/\s+/);
    const end = lines.findIndex((line, i) => i > at && line.trim() === fence[2]);
    if (end < 0) throw new Error(`${file}:${at + 1}: this block is not closed`);
    const body = lines.slice(at + 1, end).map((line) => line.slice(fence[1]!.length));
    blocks.push({ file, line: at + 1, language, marks, text: body.join('\n'), comment: commentAbove(lines, at) });
    at = end;
  }
  return blocks;
}

/** Returns the tables of a document, except those inside fenced blocks. */
export function parseTables(text: string): Table[] {
  const lines = withoutBlocks(text).split('\n');
  const tables: Table[] = [];
  for (let at = 0; at + 1 < lines.length; at++) {
    if (!lines[at]!.startsWith('|') || !/^\|[-| :]+\|$/.test(lines[at + 1]!)) continue;
    let end = at + 2;
    while (lines[end]?.startsWith('|')) end++;
    tables.push({
      line: at + 1,
      header: cells(lines[at]!),
      rows: lines.slice(at + 2, end).map(cells),
      comment: commentAbove(lines, at),
    });
    at = end;
  }
  return tables;
}

/** Returns the text with the lines of fenced blocks emptied. */
export function withoutBlocks(text: string): string {
  let fence = '';
  return text
    .split('\n')
    .map((line) => {
      const mark = /^ *(`{3,})/.exec(line)?.[1] ?? '';
      if (fence === '' && mark === '') return line;
      if (fence === '') fence = mark;
      else if (line.trim() === fence) fence = '';
      return '';
    })
    .join('\n');
}

/** Returns the code in a table's cell: `--name` for "`--name`", or the whole cell without code. */
export function codeOf(cell: string): string {
  return /^`+ ?(.*?) ?`+/.exec(cell)?.[1] ?? cell;
}

function cells(line: string): string[] {
  const parts = line.replace(/\\\|/g, '\0').split('|').slice(1, -1);
  return parts.map((part) => part.replaceAll('\0', '|').trim());
}

/** Finds the comment above a line; one empty line may separate them, which some renderers need. */
function commentAbove(lines: readonly string[], at: number): string {
  const above = lines[at - 1]?.trim() === '' ? lines[at - 2] : lines[at - 1];
  return /^\s*<!--\s*(.*?)\s*-->\s*$/.exec(above ?? '')?.[1] ?? '';
}
