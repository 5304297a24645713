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
    (await readFile(join(results, 'neighbours.csv'), 'utf8')).replaceAll(/,bucket_\d+(,.*)?$/gm, '');

  // 300 proteins of 80 residues.
  await run('db', '--part_residues', '4000');
  expect((await countTasks(results)).ran).toMatchObject({ SPLIT_SEQUENCES: 1, EMBED_SEQUENCES: 6 + 1 + 1 });
  const answer = await neighbours();
  const tables = await snapshot(join(folder, 'db'));

  // Without -resume, which would go back to the last run only.
  await appendFile(join(folder, 'in/large.fasta'), fasta('c', 10, 4));
  await run('db', '--part_residues', '4000');
  const { ran } = await countTasks(results);
  expect([ran.SPLIT_SEQUENCES, ran.EMBED_SEQUENCES]).toEqual([1, 1]);
  const grown = await snapshot(join(folder, 'db'));
  for (const [path, content] of tables) expect(grown.get(path)?.equals(content), path).toBe(true);
  expect(await neighbours()).not.toBe(answer);
  const found = await neighbours();

  // Without parts, the neighbours are the same.
  await run('whole');
  const whole = await countTasks(results);
  expect([whole.ran.SPLIT_SEQUENCES, whole.ran.EMBED_SEQUENCES]).toEqual([undefined, 1]);
  expect(await neighbours()).toBe(found);
});
