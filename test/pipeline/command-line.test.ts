// @module-tag slow

import { existsSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ROOT, temporaryFolder } from '../support/run.ts';
import { copyPipeline, countTasks, nextflow, pipeline } from './support/nextflow.ts';

test('--help explains every parameter and writes no results', async () => {
  const folder = await temporaryFolder();
  const { stdout } = await pipeline(['--help'], folder);
  for (const name of ['--input', '--queries', '--database', '--bucket_size <integer> [200000000]', '-profile'])
    expect(stdout).toContain(name);
  expect(await readdir(folder)).not.toContain('results');
});

test('an unknown or wrong parameter stops the run before any task', async () => {
  const folder = await temporaryFolder();
  const args = ['--input', join(ROOT, 'test/pipeline/data'), '--database', 'db', '--model', 'kmer'];
  const wrong = ['--bucket-sise', '5', '--max-distance=x', '--k', '0'];
  const { code, stdout } = await nextflow(['run', join(ROOT, 'main.nf'), ...args, ...wrong], folder);
  expect(code).not.toBe(0);
  expect(stdout).toContain('Unknown parameter --bucket-sise. Did you mean --bucket_size?');
  // bin/nextflow accepts the spelling of the commands' options.
  expect(stdout).toContain("--max_distance is 'x'; it needs a number");
  expect(stdout).toContain('--k is 0; it needs a whole number from 1.');
  expect(stdout).not.toContain('Submitted process');
  expect(existsSync(join(folder, 'db'))).toBe(false);
});

test('-stub-run works without any dependency', async () => {
  const folder = await temporaryFolder();
  const home = await copyPipeline(join(folder, 'lanceflow'), false);
  await rm(join(home, 'workers'), { recursive: true });
  await pipeline(['-stub-run'], folder, home);
  // A stub run sends no request to S3.
  await pipeline(['-stub-run', '--database', 's3://not-there/database'], folder, home);
  expect((await countTasks(join(folder, 'results'))).ran).toEqual({
    ...{ EMBED_SEQUENCES: 4, PACK_BUCKETS: 1, INGEST_BUCKET: 1, INDEX_BUCKET: 1 },
    ...{ SEARCH_BUCKET: 1, MERGE_HITS: 1, RENDER_REPORT: 1 },
  });
});
