// @module-tag slow

import { mkdtemp, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { copyPipeline } from '../pipeline/support/nextflow.ts';
import { type Finished, missingPython, python, ROOT } from '../support/run.ts';
import { compareFields } from './support/fields.ts';
import { type Block, codeOf, documents, parseBlocks, parseTables, readDocument } from './support/markdown.ts';
import { expectOutput, isKnown, isRunnable, runBlock } from './support/runner.ts';

// Runs every command of the documents, in order, in one folder, because docs/guide.md uses the files of README.md. A block that cannot run is marked `no-test`, with the reason in a comment above it.

const skip = missingPython();
const files = await documents();
const blocks = (await Promise.all(files.map(async (file) => parseBlocks(file, await readDocument(file))))).flat();
const runnable = blocks.filter(isRunnable);
const executed = new Set<Block>();
/** Tables that describe a file of the commands: `<!-- fields: a.json -->`, `<!-- columns: a.parquet -->`. */
const described = (
  await Promise.all(files.map(async (file) => parseTables(await readDocument(file)).map((table) => ({ file, table }))))
)
  .flat()
  .flatMap(({ file, table }) => {
    const [, kind, path] = /^(fields|columns): (.+)$/.exec(table.comment) ?? [];
    return kind && path ? [{ file, table, kind, path }] : [];
  });
const COLUMNS = `
import json, sys, pyarrow.parquet as pq
print(json.dumps([[field.name, str(field.type)] for field in pq.read_schema(sys.argv[1])]))`;
let clone = '';

beforeAll(async () => {
  clone = await copyPipeline(await mkdtemp(join(tmpdir(), 'lanceflow-docs-')), true);
  await symlink(join(ROOT, '.tools'), join(clone, '.tools'));
});
afterAll(() => rm(clone, { recursive: true, force: true }));

const nameOf = ({ file, line, text }: Block) => `${file}:${line} ${text.trim().split('\n')[0]}`;

describe.skipIf(skip)('the documents run', () => {
  let last: Finished | undefined;
  for (const [i, block] of blocks.entries()) {
    if (isRunnable(block))
      test(nameOf(block), async () => {
        last = undefined;
        last = await runBlock(block, clone);
        executed.add(block);
      });
    else if (block.marks.includes('output'))
      test(`${nameOf(block)}: is what ${blocks[i - 1]?.line ?? '-'} prints`, () => {
        expect(isRunnable(blocks[i - 1]!), 'the block above it must be one that runs').toBe(true);
        expectOutput(block, last!);
      });
  }

  for (const { file, table, kind, path } of described)
    test(`${file}:${table.line} describes the ${kind} of ${path}`, async () => {
      if (kind === 'fields')
        expect(compareFields(JSON.parse(await readFile(join(clone, path), 'utf8')), table)).toEqual([]);
      else {
        const rows = table.rows.map(([name, type]) => [codeOf(name!), codeOf(type!)]);
        expect(rows).toEqual(await python(COLUMNS, join(clone, path)));
      }
    });

  test('every block ran', () => {
    expect(runnable.length).toBeGreaterThan(0);
    expect(runnable.filter((block) => !executed.has(block)).map(nameOf)).toEqual([]);
  });
});

test('every block is of a known language', () => {
  expect(blocks.filter((block) => !isKnown(block)).map(nameOf)).toEqual([]);
});

test('every block that cannot run says why', () => {
  const silent = blocks.filter(({ marks, comment }) => marks.includes('no-test') && !/^no-test: .{10,}/.test(comment));
  expect(silent.map(nameOf)).toEqual([]);
});
