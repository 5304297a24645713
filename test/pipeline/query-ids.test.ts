// @module-tag slow

import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { zstdDecompressSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../support/run.ts';
import { countTasks, pipeline } from './support/nextflow.ts';
import { fasta } from './support/proteins.ts';

test('--query_ids searches with proteins of the database, --evaluate measures it; FASTA needs no --model for a kmer database', {}, async () => {
  const folder = await temporaryFolder();
  await writeFile(join(folder, 'proteins.fasta'), fasta('p', 60, 1));
  await writeFile(join(folder, "odd 'name' $(x).csv"), 'note,id\n"a, b",p3\n,p41\n');
  const build = ['--input', 'proteins.fasta', '--model', 'kmer', '--bucket_size', '30'];
  const where = ['--database', 'db', '--k', '4'];
  const ids = ['--query_ids', "odd 'name' $(x).csv", '--exclude_self'];
  const neighbours = async (outdir: string) =>
    (await readFile(join(folder, outdir, 'neighbours.csv'), 'utf8')).trimEnd().split('\n').slice(1);

  const { stdout, stderr } = await pipeline([...build, ...ids, ...where, '--evaluate'], folder);
  expect(stdout + stderr).not.toContain('WARN');
  const { ran } = await countTasks(join(folder, 'results'));
  expect(ran).toMatchObject({ FETCH_QUERIES: 1, SEARCH_BUCKET: 2, EVALUATE: 1 });
  expect(stdout).toContain('results/evaluation.html');
  const evaluation = JSON.parse(await readFile(join(folder, 'results/evaluation.json'), 'utf8'));
  expect(Object.keys(evaluation.buckets)).toEqual(['bucket_00001', 'bucket_00002']);
  expect(evaluation).toMatchObject({ k: 4, queries: 60, targetRecall: 0.95 });
  expect(evaluation.points[evaluation.recommended].recall.low).toBeGreaterThanOrEqual(0.95);
  expect(await readFile(join(folder, 'results/evaluation.html'), 'utf8')).toContain('<svg');
  expect(await readFile(join(folder, 'results/report.html'), 'utf8')).toContain('href="evaluation.html"');
  const found = await neighbours('results');
  expect(found).toHaveLength(8);
  expect(found.filter((row) => /^(\w+),\d+,\1,/.test(row))).toEqual([]);
  // Families have ten members: the relatives of p3 are p0 to p9.
  expect(found[0]).toMatch(/^p3,1,p[0-9],/);
  expect(found[4]).toMatch(/^p41,1,p4[0-9],/);

  // The same proteins as FASTA, embedded with the model of the database without --model.
  const text = fasta('p', 60, 1);
  const record = (id: string) => new RegExp(`>${id}\\n\\w+\\n`).exec(text)![0];
  await writeFile(join(folder, 'queries.fasta'), record('p3') + record('p41'));
  // In parts, with two tasks for each bucket: the neighbours are the same.
  const again = ['--queries', 'queries.fasta', '--exclude_self', '--outdir', 'again', '--queries_per_task', '1'];
  await pipeline([...again, '--measure_recall', '--csv', 'zstd', '--csv_safe', ...where], folder);
  expect((await countTasks(join(folder, 'again'))).ran).toMatchObject({ PLAN_SEARCH: 1, SEARCH_BUCKET: 4 });
  const packed = await readFile(join(folder, 'again/neighbours.csv.zst'));
  expect(zstdDecompressSync(packed).toString().trimEnd().split('\n').slice(1)).toEqual(found);
  expect(await readFile(join(folder, 'again/report.html'), 'utf8')).toContain('Recall@4');
});
