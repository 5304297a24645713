// @module-tag slow

import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { planHead } from '../../workers/src/cloud/launch/campaign.ts';
import { ROOT, temporaryFolder } from '../support/run.ts';
import { countTasks, nextflow } from './support/nextflow.ts';

// Nextflow's AWS plugin is not in the registries. These tests read the profile's settings, and run the stubs of the tasks on this machine to
// find the queue of each task.

const WITHOUT_PLUGIN = { NXF_PLUGINS_DEFAULT: 'false' };
const HERE = `
process.executor = 'local'
process.scratch = false
executor { cpus = 1000; memory = '100 TB' }
trace.fields = 'name,status,hash,queue,container,cpus,memory,disk'`;
const IMAGE = '1.dkr.ecr.eu-central-1.amazonaws.com/lanceflow:0.1.0';

/** Runs the command of a head of `lanceflow launch` in its own folder, with stubs on this machine in place of AWS. */
async function runHead(folder: string, head: string, params: object): Promise<void> {
  const data = { outdir: `${folder}/results`, aws_container: IMAGE, ...params };
  const { command } = planHead('My_soil--2_', 's3://bucket/work', 'eu-central-1', data);
  const words = command.map((word) =>
    word.replace('/opt/lanceflow/main.nf', join(ROOT, 'main.nf')).replace('s3://bucket', folder),
  );
  expect(words[0]).toBe('nextflow');
  await mkdir(join(folder, head));
  await writeFile(join(folder, 'here.config'), HERE);
  // On AWS the cache is on S3 (NXF_CLOUDCACHE_PATH), which needs a plugin too. A lost machine loses the folder of the run.
  const cache = { NXF_CACHE_DIR: join(folder, 'cache'), NXF_IGNORE_RESUME_HISTORY: 'true' };
  const args = [...words.slice(1), '-stub-run', '-c', '../here.config'];
  const { code, stdout, stderr } = await nextflow(args, join(folder, head), { ...WITHOUT_PLUGIN, ...cache });
  expect(code, stdout + stderr).toBe(0);
}

/** Reads queue, image, cores, memory and disk of each process in the last run. */
async function readPlaces(folder: string): Promise<Record<string, string>> {
  const trace = await readFile(join(folder, 'results/pipeline_info/execution_trace.txt'), 'utf8');
  const rows = trace.trimEnd().split('\n').slice(1);
  return Object.fromEntries(
    rows
      .map((row) => row.split('\t'))
      .map(([name, , , ...place]) => [name!.split(' ')[0]!.split(':').at(-1)!, place.join(', ')]),
  );
}

test('each stage runs in its queue; a new head resumes the run of a lost one', { timeout: 300_000 }, async () => {
  const folder = await temporaryFolder();
  const params = { database: 's3://data/db', k: 7, max_distance: -0.5, exclude_self: true, aws_queue_light: 'mine' };
  await runHead(folder, 'first', params);
  expect(await readPlaces(folder)).toMatchObject({
    EMBED_SEQUENCES: `mine, ${IMAGE}, 1, 2 GB, -`,
    PACK_BUCKETS: `mine, ${IMAGE}, 1, 2 GB, -`,
    // The disk of a bucket of the default size: the sorted runs, and the table. The work folder is local, so shards are not copied.
    INGEST_BUCKET: `lanceflow-storage, ${IMAGE}, 16, 53 GB, 1.4 TB`,
    INDEX_BUCKET: `lanceflow-storage, ${IMAGE}, 16, 29 GB, 797.4 GB`,
    SEARCH_BUCKET: `lanceflow-storage, ${IMAGE}, 16, 64 GB, 721.2 GB`,
    MERGE_HITS: `mine, ${IMAGE}, 4, 8 GB, -`,
    RENDER_REPORT: `mine, ${IMAGE}, 1, 2 GB, -`,
  });
  const { ran } = await countTasks(join(folder, 'results'));

  await runHead(folder, 'second', params);
  expect(await countTasks(join(folder, 'results'))).toEqual({ ran: {}, cached: ran });

  await mkdir(join(folder, 'model'));
  await writeFile(join(folder, 'model/config.json'), '{}');
  // Machines with a third of that disk: one ingest and one index task each.
  const small = { aws_storage_disk: 2500, aws_storage_cpus: 12, aws_storage_memory: 90, bucket_size: 200_000_000 };
  // Tasks that write to the database have the building role, tasks that need CUDA its image; all others have the readers' job definition.
  const reader = 'lanceflow-reader';
  await runHead(folder, 'third', {
    database: 's3://data/db',
    model: join(folder, 'model'),
    device: 'cuda',
    aws_reader_definition: reader,
    ...small,
  });
  const { PACK_BUCKETS, INGEST_BUCKET, INDEX_BUCKET, EMBED_SEQUENCES, ...others } = await readPlaces(folder);
  expect(EMBED_SEQUENCES).toMatch(new RegExp(`^lanceflow-gpu, ${IMAGE}, `));
  for (const place of [PACK_BUCKETS, INGEST_BUCKET, INDEX_BUCKET]) expect(place?.split(', ')[1]).toBe(IMAGE);
  expect(Object.keys(others)).toEqual(expect.arrayContaining(['SEARCH_BUCKET', 'MERGE_HITS']));
  for (const place of Object.values(others)) expect(place.split(', ')[1]).toBe(`job-definition://${reader}`);
  expect(INGEST_BUCKET).toMatch(/, 12, 59 GB, 1.4 TB$/);
  expect(others.SEARCH_BUCKET).toMatch(/, 12, 64 GB, 721.2 GB$/);
});

const FAULTS = `
process COPIES {
    input:
    val code

    output:
    val code

    script:
    "exit \${task.attempt < 3 ? code : 0}"
}

process BREAKS {
    input:
    val codes

    script:
    "exit 1"
}

workflow {
    COPIES(channel.of(1, 254, 255))
    BREAKS(COPIES.out.collect())
}
`;

test('a failed copy of files is retried twice, as is a bug, which has the same exit code', async () => {
  const folder = await temporaryFolder();
  await writeFile(join(folder, 'faults.nf'), FAULTS);
  const here = HERE.replace('queue,container,cpus,memory,disk', 'exit');
  await writeFile(join(folder, 'nextflow.config'), `includeConfig '${join(ROOT, 'nextflow.config')}'\n${here}`);
  const args = ['run', 'faults.nf', '-profile', 'awsbatch', '-ansi-log', 'false'];
  const { code, stderr, stdout } = await nextflow(args, folder, WITHOUT_PLUGIN);
  expect(code, stderr + stdout).toBe(1);
  const trace = await readFile(join(folder, 'results/pipeline_info/execution_trace.txt'), 'utf8');
  const ends = trace
    .trimEnd()
    .split('\n')
    .slice(1)
    .map((row) => row.split('\t'))
    .map(([name = '', status, , exit]) => `${name.split(' ')[0]} ${status} ${exit}`);
  const twice = (end: string) => [end, end];
  expect(ends.sort()).toEqual([
    ...['BREAKS FAILED 1', ...twice('BREAKS FAILED 1')],
    ...['COPIES COMPLETED 0', ...twice('COPIES COMPLETED 0')],
    ...[1, 254, 255].flatMap((exit) => twice(`COPIES FAILED ${exit}`)),
  ]);
});

test('the profile has the settings that AWS Batch needs', async () => {
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
  // A cliPath would mount a folder of the machine over that of the image.
  expect(settings.has('aws.batch.cliPath')).toBe(false);
  // A lost machine leaves no exit code.
  expect(settings.get('process.ext.passing')).toBe('[75, 104, 137, 143, 2147483647]');
});

test('limits that the profile ignores are refused', async () => {
  const args = ['run', join(ROOT, 'main.nf'), '-profile', 'awsbatch', '-stub-run', '--max_memory', '100.GB'];
  const { code, stdout } = await nextflow(
    [...args, '-process.executor', 'awsbatch'],
    await temporaryFolder(),
    WITHOUT_PLUGIN,
  );
  expect(code).not.toBe(0);
  expect(stdout).toContain('--max_memory: not with -profile awsbatch');
});
