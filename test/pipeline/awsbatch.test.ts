import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ROOT, temporaryFolder } from '../support/run.ts';
import { nextflow } from './support/nextflow.ts';

// Nextflow's AWS plugin cannot be had here: the profile's settings are read, and where they send each task is seen by running
// the tasks' stubs on this machine.

const WITHOUT_PLUGIN = { NXF_PLUGINS_DEFAULT: 'false' };
const HERE = `
process.executor = 'local'
process.scratch = false
executor { cpus = 1000; memory = '100 TB' }
trace.fields = 'process,queue,container,cpus,memory,status'`;

/** Queue, image, cores and memory of each process, from a run of the stubs. */
async function placesOf(args: readonly string[], folder: string): Promise<Record<string, string>> {
  await writeFile(join(folder, 'here.config'), HERE);
  const command = ['run', join(ROOT, 'main.nf'), '-profile', 'awsbatch', '-c', 'here.config', '-stub-run'];
  const { code, stdout, stderr } = await nextflow([...command, ...args], folder, WITHOUT_PLUGIN);
  expect(code, stdout + stderr).toBe(0);
  const trace = await readFile(join(folder, 'results/pipeline_info/execution_trace.txt'), 'utf8');
  return Object.fromEntries(
    trace
      .trimEnd()
      .split('\n')
      .slice(1)
      .map((line) => line.split('\t'))
      .map(([name, ...place]) => [name!.split(':').at(-1)!, place.join(', ')]),
  );
}

test('each stage goes to its queue', { timeout: 120_000 }, async () => {
  const folder = await temporaryFolder();
  const image = '1.dkr.ecr.eu-central-1.amazonaws.com/lanceflow:0.1.0';
  const places = await placesOf(['--aws_container', image, '--aws_queue_light', 'mine'], folder);
  expect(places).toMatchObject({
    EMBED_SEQUENCES: `mine, ${image}, 1, 2 GB, COMPLETED`,
    PACK_BUCKETS: `lanceflow-storage, ${image}, 1, 2 GB, COMPLETED`,
    INGEST_BUCKET: `lanceflow-storage, ${image}, 4, 8 GB, COMPLETED`,
    INDEX_BUCKET: `lanceflow-storage, ${image}, 32, 128 GB, COMPLETED`,
    SEARCH_BUCKET: `lanceflow-storage, ${image}, 16, 64 GB, COMPLETED`,
    MERGE_HITS: `mine, ${image}, 2, 8 GB, COMPLETED`,
    RENDER_REPORT: `mine, ${image}, 1, 2 GB, COMPLETED`,
  });
});

test('the settings of the profile', async () => {
  const folder = await temporaryFolder();
  const { code, stdout } = await nextflow(['config', ROOT, '-profile', 'awsbatch', '-flat'], folder, WITHOUT_PLUGIN);
  expect(code).toBe(0);
  const settings = new Map(stdout.split('\n').map((line) => line.split(/ = (.*)/s) as [string, string]));
  const wanted = {
    'process.executor': "'awsbatch'",
    'process.scratch': "'/scratch'",
    'process.resourceLabels': "{ ['lanceflow-campaign': params.campaign] }",
    'aws.batch.maxSpotAttempts': '5',
    'aws.batch.volumes': "['/scratch']",
    'aws.batch.maxParallelTransfers': '8',
    'aws.batch.maxTransferAttempts': '5',
    'aws.batch.logsGroup': "'/lanceflow/tasks'",
  };
  for (const [name, value] of Object.entries(wanted)) expect(settings.get(name), name).toBe(value);
  // It would mount the machine's own folder over the image's.
  expect(settings.has('aws.batch.cliPath')).toBe(false);
  // Where a machine went, Nextflow has no exit status.
  expect(settings.get('process.errorStrategy')).toContain('Integer.MAX_VALUE');
});
