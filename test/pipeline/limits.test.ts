// @module-tag slow

import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ROOT, temporaryFolder } from '../support/run.ts';
import { nextflow } from './support/nextflow.ts';

// The resources that tasks request from a cluster: with the settings of its profile, the stubs run on this machine.

const SITE = `
process.executor = 'local'
process.ext.before_script = 'export SITE="of the site"'
executor { cpus = 1000; memory = '100 TB'; submitRateLimit = null }
trace.fields = 'name,hash,cpus,memory,time'`;

/** Reads cores, memory and time of each process, and the folder of one of its tasks. */
async function requestsOf(folder: string, ...args: string[]): Promise<Map<string, { place: string; hash: string }>> {
  await mkdir(folder);
  await writeFile(join(folder, 'site.config'), SITE);
  const words = ['run', join(ROOT, 'main.nf'), '-profile', 'slurm', '-c', 'site.config', '-stub-run', ...args];
  const { code, stdout, stderr } = await nextflow(words, folder);
  expect(code, stdout + stderr).toBe(0);
  const trace = await readFile(join(folder, 'results/pipeline_info/execution_trace.txt'), 'utf8');
  const rows = trace.trimEnd().split('\n').slice(1);
  return new Map(
    rows
      .map((row) => row.split('\t'))
      .map(([name, hash, ...place]) => [
        name!.split(' ')[0]!.split(':').at(-1)!,
        { hash: hash!, place: place.join(', ') },
      ]),
  );
}

test('tasks request at most the limits of common partitions or of the user, and less for small buckets', async () => {
  const folder = await temporaryFolder();
  const usual = await requestsOf(join(folder, 'usual'), '--index', 'ivf-pq');
  expect(usual.get('INGEST_BUCKET')!.place).toBe('16, 16 GB, 12h');
  // LanceDB's own training of a bucket of the default size: 128 GB and 48 hours without a limit.
  expect(usual.get('INDEX_BUCKET')!.place).toBe('32, 120 GB, 1d');
  expect(usual.get('SEARCH_BUCKET')!.place).toBe('16, 64 GB, 12h');

  const limits = ['--max_cpus', '12', '--max_memory', '30.GB', '--max_time', '200.m', '--bucket_size', '1000000'];
  const small = await requestsOf(join(folder, 'small'), '--index', 'ivf-pq', ...limits);
  expect(small.get('INGEST_BUCKET')!.place).toBe('7, 4 GB, 3h');
  expect(small.get('INDEX_BUCKET')!.place).toBe('12, 30 GB, 3h 20m');
  expect(small.get('SEARCH_BUCKET')!.place).toBe('12, 30 GB, 3h 20m');

  // The script has the commands of the site and those of the profile.
  const [start, rest] = small.get('INGEST_BUCKET')!.hash.split('/');
  const { stdout } = await nextflow(['log', 'last', '-f', 'workdir'], join(folder, 'small'));
  const task = stdout.split('\n').find((path) => path.includes(`/${start}/${rest}`))!;
  const script = await readFile(join(task, '.command.run'), 'utf8');
  expect(script).toMatch(/on_term\(\) \{ set \+e; .* exit 143; nxf_kill \$pid; \}\n\s*export SITE="of the site"/);
}, 300_000);
