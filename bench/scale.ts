/**
 * Rates of building at three sizes, the cost of as many fragments and partitions as 200 million vectors have, and the estimates
 * for 200 million and 3.5 billion vectors: docs/scale.md.
 *
 *   npm run bench -- scale --save                              measures, about 8 minutes on 2 idle cores, and rewrites the tables
 *   npm run bench -- scale --rows 10000,20000 --unit-rows 10000 --partitions 512,1024   a trial
 *   node bench/scale.ts --assignment                          measures the cost of assignment alone
 *   npm run bench -- scale --page                              rewrites the tables of docs/scale.md from bench/results/
 */
import { readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { StepAt } from '../workers/src/forecast/model/growth.ts';
import { readInputs, type ScaleResult } from './scale/inputs.ts';
import { measureAssignment } from './scale/measure-assignment.ts';
import { measureUnits } from './scale/measure-units.ts';
import { scaleTables } from './scale/page.ts';
import { buildTable } from './support/build-table.ts';
import { insertTables } from './support/markdown.ts';
import { type Measured, ROOT, say, withFolder } from './support/run.ts';
import { makeVectors } from './support/vectors.ts';

const { values } = parseArgs({
  options: {
    rows: { type: 'string', default: '50000,100000,200000' },
    dimension: { type: 'string', default: '960' },
    assignment: { type: 'boolean', default: false },
    /** Vectors that are divided into many fragments and partitions. */
    'unit-rows': { type: 'string', default: '100000' },
    /** Partitions to assign rows to; the last number is that of 200 million rows. */
    partitions: { type: 'string', default: '512,2048,8192,14142' },
    page: { type: 'boolean', default: false },
    folder: { type: 'string' },
  },
});

const partitionCounts = values.partitions.split(',').map(Number);

if (values.page) {
  const path = join(ROOT, 'docs/scale.md');
  const tables = scaleTables(await readInputs());
  await writeFile(path, insertTables(await readFile(path, 'utf8'), 'scale', tables));
} else
  await withFolder(values.folder, async (folder) => {
    const measured = values.assignment
      ? await measureAssignment(folder, Number(values.dimension), partitionCounts)
      : await measureAll(folder);
    process.stdout.write(`${JSON.stringify(measured, null, 2)}\n`);
  });

async function measureAll(folder: string): Promise<Omit<ScaleResult, 'command' | 'machine' | 'date'>> {
  const steps: Record<string, StepAt[]> = { ingest: [], 'ingest-unordered': [], 'index-rq': [], 'index-pq': [] };
  const bytesPerVector: Record<string, number> = {};
  const add = (step: string, rows: number, { cpuSeconds, seconds }: Measured) => {
    steps[step]!.push({ rows, cpuSeconds, seconds });
    say(`${step} of ${rows}: ${cpuSeconds.toFixed(1)} CPU s, ${seconds.toFixed(1)} s`);
  };
  const sizes = values.rows.split(',');
  for (const [i, rows] of sizes.entries()) {
    const vectors = await makeVectors(folder, 'vectors', rows, values.dimension, '1');
    const database = join(folder, 'scale-database');
    const build = async (name: string, ingest: string[], index: string) => {
      const cost = await buildTable(vectors, database, { ingest, index: ['--index', index] });
      bytesPerVector[name] = (await bytesIn(database)) / Number(rows);
      return cost;
    };
    const rq = await build('ivf-rq', [], 'ivf-rq');
    add('ingest', Number(rows), rq.ingest);
    add('index-rq', Number(rows), rq.index);
    // LanceDB's training would take half of the benchmark's time.
    if (i < 2) {
      const pq = await build('ivf-pq', ['--order', 'none'], 'ivf-pq');
      add('ingest-unordered', Number(rows), pq.ingest);
      add('index-pq', Number(rows), pq.index);
    }
    await build('ivf-rq, float16', ['--vector-type', 'float16'], 'ivf-rq');
    await rm(database, { recursive: true, force: true });
  }
  const assignment = await measureAssignment(folder, Number(values.dimension), partitionCounts);
  return {
    dimension: Number(values.dimension),
    cores: availableParallelism(),
    steps,
    assignment,
    bytesPerVector,
    units: await measureUnits(folder, Number(values['unit-rows'])),
  };
}

async function bytesIn(folder: string): Promise<number> {
  let bytes = 0;
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true }))
    if (entry.isFile()) bytes += (await stat(join(entry.parentPath, entry.name))).size;
  return bytes;
}
