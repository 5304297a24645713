// @module-tag slow

import { appendFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../support/run.ts';
import { countTasks, pipeline, snapshot } from './support/nextflow.ts';
import { fasta } from './support/proteins.ts';

test('a large file is embedded in parts; when it grows, unchanged parts are not embedded again', {}, async () => {
  const folder = await temporaryFolder();
  const results = join(folder, 'results');
  await mkdir(join(folder, 'in'));
  await writeFile(join(folder, 'in/large.fasta'), fasta('a', 300, 1));
  await writeFile(join(folder, 'in/small.fasta'), fasta('b', 20, 2));
  await writeFile(join(folder, 'queries.fasta'), fasta('q', 10, 3));
  const run = (database: string, ...extra: string[]) => {
    const args = ['--input', 'in', '--queries', 'queries.fasta', '--model', 'kmer', '--database', database];
    return pipeline([...args, '--search', 'exact', ...extra], folder);
  };
  const neighbours = async () =>
    // Buckets differ, and so do E-values, the next column.
    (await readFile(join(results, 'neighbours.csv'), 'utf8')).replaceAll(/,bucket_\d+(,[^,\n]*)?/g, '');
  const align = ['--align', '12', '--rank', 'alignment', '--k', '5', '--fasta', '--columns', 'description'];

  // 300 proteins of 80 residues.
  await run('db', '--part_residues', '4000');
  expect((await countTasks(results)).ran).toMatchObject({ SPLIT_SEQUENCES: 1, EMBED_SEQUENCES: 6 + 1 + 1 });
  const answer = await neighbours();
  const tables = await snapshot(join(folder, 'db'));

  // Without -resume, which would go back to the last run only.
  await appendFile(join(folder, 'in/large.fasta'), fasta('c', 10, 4));
  await run('db', '--part_residues', '4000', ...align);
  const { ran } = await countTasks(results);
  expect([ran.SPLIT_SEQUENCES, ran.EMBED_SEQUENCES]).toEqual([1, 1]);
  const grown = await snapshot(join(folder, 'db'));
  for (const [path, content] of tables) expect(grown.get(path)?.equals(content), path).toBe(true);
  expect(await neighbours()).not.toBe(answer);
  const found = await neighbours();
  const sequences = await readFile(join(results, 'neighbours.fasta'), 'utf8');
  expect([ran.ALIGN_NEIGHBOURS, ran.JOIN_NEIGHBOURS]).toEqual([1, undefined]);

  // Without parts of the file, but with three of the queries, the neighbours are the same.
  await run('whole', '--queries_per_task', '4', ...align);
  const whole = await countTasks(results);
  expect([whole.ran.SPLIT_SEQUENCES, whole.ran.EMBED_SEQUENCES]).toEqual([undefined, 1]);
  expect([whole.ran.SEARCH_BUCKET, whole.ran.ALIGN_NEIGHBOURS, whole.ran.JOIN_NEIGHBOURS]).toEqual([3, 3, 1]);
  expect(await neighbours()).toBe(found);
  expect(await readFile(join(results, 'neighbours.fasta'), 'utf8')).toBe(sequences);
});
