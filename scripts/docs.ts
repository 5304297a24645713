// `npm run docs`: generates the tables of docs/parameters.md, docs/commands.md and docs/monitoring.md from nextflow_schema.json, the commands
// and the schema of events, and docs/events.schema.json. The text
// between `<!-- begin: NAME -->` and `<!-- end -->` is generated; the rest of a page is written by hand.

import { readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadCommand } from '../workers/src/commands/index.ts';
import { eventsSchemaText, monitoringSection } from './monitoring-page.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** A property of nextflow_schema.json. */
interface Parameter {
  description: string;
  help_text?: string;
  enum?: string[];
  default?: unknown;
}

interface Option {
  describe?: string;
  choices?: readonly unknown[];
  default?: unknown;
  demandOption?: unknown;
  type?: string;
  array?: boolean;
}

/** Generates the text between two markers. @param name the name in the opening marker */
type Section = (name: string) => Promise<string>;

const PAGES: Record<string, Section> = {
  'docs/parameters.md': parameterGroup,
  'docs/commands.md': commandReference,
  'docs/monitoring.md': monitoringSection,
};

/** Generates the pages. @returns the text of each by path */
export async function makePages(): Promise<Map<string, string>> {
  const pages = new Map<string, string>();
  for (const [path, section] of Object.entries(PAGES))
    pages.set(path, await fillSections(await readFile(join(ROOT, path), 'utf8'), section));
  pages.set('docs/events.schema.json', eventsSchemaText());
  return pages;
}

async function fillSections(page: string, section: Section): Promise<string> {
  const [head = '', ...pieces] = page.split(/^(?=<!-- begin: )/m);
  const filled = [head];
  for (const piece of pieces) {
    const [, opening, name, rest] = /^(<!-- begin: (.+?) -->\n).*?(<!-- end -->.*)$/s.exec(piece) ?? [];
    if (name === undefined) throw new Error(`no "<!-- end -->" follows ${JSON.stringify(piece.split('\n')[0])}`);
    filled.push(`${opening}\n${await section(name)}\n\n${rest}`);
  }
  return filled.join('');
}

async function parameterGroup(name: string): Promise<string> {
  const schema = JSON.parse(await readFile(join(ROOT, 'nextflow_schema.json'), 'utf8')) as {
    $defs: Record<string, { description: string; properties: Record<string, Parameter> }>;
  };
  const group = schema.$defs[name];
  if (group === undefined) throw new Error(`nextflow_schema.json has no group ${name}`);
  const rows = Object.entries(group.properties).map(([key, parameter]) => [
    `\`--${key}\``,
    parameter.default === undefined ? '' : `\`${parameter.default}\``,
    withChoices([parameter.description, parameter.help_text].filter(Boolean).join(' '), parameter.enum),
  ]);
  return [prose(group.description), '', `<!-- parameters: ${name} -->`, table('parameter', rows)].join('\n');
}

async function commandReference(name: string): Promise<string> {
  const command = await loadCommand(name);
  const rows = Object.entries(command.options as Record<string, Option>).map(([key, option]) => [
    `\`--${key}\``,
    defaultOf(option),
    withChoices(option.describe ?? '', option.choices) + (takesSeveral(option) ? ' (one or more)' : ''),
  ]);
  const examples = command.examples.map(([line, what]) => `- ${prose(what)}: \`lanceflow ${line}\``);
  const describe = prose(command.describe).replace(/\.?$/, '.');
  return [describe, '', ...examples, '', `<!-- options: ${name} -->`, table('option', rows)].join('\n');
}

function takesSeveral({ type, array }: Option): boolean {
  return type === 'array' || array === true;
}

function defaultOf({ default: value, demandOption }: Option): string {
  if (demandOption) return 'required';
  if (value === undefined) return '';
  if (value === tmpdir()) return "the system's folder for temporary files";
  if (Array.isArray(value) && value.length === 0) return 'none';
  return `\`${value}\``;
}

function withChoices(text: string, choices: readonly unknown[] | undefined): string {
  const list = choices?.map((choice) => `\`${choice}\``).join(', ');
  return list === undefined ? prose(text) : `${list}. ${prose(text)}`;
}

function table(first: string, rows: readonly string[][]): string {
  const lines = rows.map((cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`);
  return [`| ${first} | default | meaning |`, '|---|---|---|', ...lines].join('\n').replaceAll('|  |', '| |');
}

/** Turns a text for terminals into Markdown: pages become links; options, variables and addresses get code font. */
function prose(text: string): string {
  return text
    .split(/(`[^`]*`)/)
    .map((piece) => (piece.startsWith('`') ? piece : plainProse(piece)))
    .join('');
}

function plainProse(text: string): string {
  return text
    .replace(/[<>*]/g, '\\$&')
    .replace(/(?<![\w-])(--[a-z][a-z0-9_-]*|s3:\/\/[\w/]*|\$?[A-Z]+(?:_[A-Z]+)+)/g, '`$1`')
    .replace(/docs\/([\w-]+\.md)(#[\w-]+)?/g, '[$1]($1$2)');
}

if (import.meta.main)
  for (const [path, text] of await makePages()) {
    await writeFile(join(ROOT, path), text);
    console.log(path);
  }
