/**
 * CPU time of every stage by thread, from the kernel's accounting, and the speed-up on more cores that follows from it:
 * docs/benchmarks.md.
 *
 *   npm run bench -- threads --save                        measures, and rewrites the table of docs/benchmarks.md
 *   npm run bench -- threads --rows 50000 --queries 2000   a trial
 *   npm run bench -- threads --page                        rewrites the table from bench/results/threads.json
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { insertTables } from './support/markdown.ts';
import { ROOT, say, withFolder } from './support/run.ts';
import { measureStages } from './threads/stages.ts';
import { type ThreadsResult, threadsTable, threadsTables } from './threads/threads-page.ts';

const { values } = parseArgs({
  options: {
    rows: { type: 'string', default: '300000' },
    dimension: { type: 'string', default: '960' },
    queries: { type: 'string', default: '2000,20000' },
    k: { type: 'string', default: '10,100' },
    sequences: { type: 'string', default: '50000' },
    page: { type: 'boolean', default: false },
    folder: { type: 'string' },
  },
});

if (values.page) {
  const path = join(ROOT, 'docs/benchmarks.md');
  const result = JSON.parse(await readFile(join(ROOT, 'bench/results/threads.json'), 'utf8')) as ThreadsResult;
  await writeFile(path, insertTables(await readFile(path, 'utf8'), 'threads', threadsTables(result)));
} else
  await withFolder(values.folder, async (folder) => {
    const size = {
      rows: Number(values.rows),
      dimension: Number(values.dimension),
      queries: values.queries.split(',').map(Number),
      ks: values.k.split(',').map(Number),
      sequences: Number(values.sequences),
      mergedBuckets: 8,
    };
    const result = { ...size, stages: await measureStages(folder, size) };
    say(`\n${threadsTable(result.stages)}\n`);
    process.stdout.write(`${JSON.stringify(result, null, 2)}\n`);
  });
