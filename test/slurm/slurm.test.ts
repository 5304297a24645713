// @module-tag slow

import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { momentOf } from '../pipeline/support/kill.ts';
import { countTasks, pipeline, readTrace, startPipeline } from '../pipeline/support/nextflow.ts';
import { hasProgram, missing, ROOT, sharedFolder, temporaryFolder } from '../support/run.ts';
import { waitUntil } from '../support/wait.ts';
import { type Slurm, startSlurm } from './support/slurm.ts';

// Runs the pipeline on a real Slurm of one node.

const hasPrograms = ['munged', 'slurmctld', 'slurmd', 'sbatch'].every(hasProgram);
const skip = missing(hasPrograms, 'Slurm (munge, slurmctld, slurmd, slurm-client, which .ci/run installs)');

// A user's configuration: Nextflow polls more often than on a real cluster, so that the tests are short.
const SITE = `executor {
  pollInterval = '500 ms'
  queueStatInterval = '1 sec'
  exitReadTimeout = '3 sec'
  submitRateLimit = null
}`;
const PROFILE = ['-profile', 'test,slurm', '-c', 'site.config'];

describe.skipIf(skip)('the pipeline on Slurm', { timeout: 400_000 }, () => {
  let slurm: Slurm;
  let built: string;
  let undisturbed: Buffer[];

  const answer = (folder: string) =>
    Promise.all(['csv', 'parquet'].map((kind) => readFile(join(folder, `results/test/neighbours.${kind}`))));

  /** Starts a run in a folder with the configuration; `ended` resolves to its exit code. */
  const start = (folder: string, ...args: string[]) => {
    const child = startPipeline([...PROFILE, ...args], folder, slurm.env);
    return { child, ended: once(child, 'exit').then(([code]) => code as number | null) };
  };
  /** Waits for a job by state and name, while the run continues. */
  const jobOf = (child: ReturnType<typeof startPipeline>, state: string, name: RegExp) =>
    momentOf(child, `a job ${name} is ${state}`, async () =>
      (await slurm.jobs()).find((job) => job.state === state && name.test(job.name)),
    );
  const folderOf = async (id: string) => /WorkDir=(\S+)/.exec(await slurm.run('scontrol', 'show', 'job', id))![1]!;
  /** Cancels a job. @returns the task's exit code; undefined where it left none */
  const cancel = async (id: string) => {
    const folder = await folderOf(id);
    await slurm.run('scancel', id);
    await waitUntil(`job ${id} has ended`, async () => !(await slurm.jobs()).some((job) => job.id === id));
    return readFile(join(folder, '.exitcode'), 'utf8').catch(() => undefined);
  };

  beforeAll(async () => {
    built = await sharedFolder();
    slurm = await startSlurm(join(built, 'slurm'));
    await pipeline(['-profile', 'test'], built);
    undisturbed = await answer(built);
  });
  afterAll(() => slurm?.stop());

  test('a drained node and cancelled jobs, waiting and running, do not change the bytes of the neighbours', async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, 'site.config'), SITE);
    const { child, ended } = start(folder);

    // The node is drained while sequences are embedded: the next jobs wait.
    await jobOf(child, 'R', /EMBED_SEQUENCES/);
    await slurm.run('scontrol', 'update', 'NodeName=node', 'State=DRAIN', 'Reason=test');
    const waiting = await jobOf(child, 'PD', /EMBED_SEQUENCES|PACK_BUCKETS/);
    const node = () => slurm.run('sinfo', '--noheader', '--format=%T');
    await waitUntil('the node is drained', async () => (await node()).trim() === 'drained', { state: node });
    expect(await cancel(waiting.id)).toBeUndefined();
    await slurm.run('scontrol', 'update', 'NodeName=node', 'State=RESUME');

    // The worker must be running: a finished one would prove nothing.
    for (let code: string | undefined = '0'; code === '0'; ) {
      const running = await jobOf(child, 'R', /INGEST_BUCKET|INDEX_BUCKET|SEARCH_BUCKET/);
      const begun = join(await folderOf(running.id), '.command.out');
      await waitUntil(`${begun} exists`, () => existsSync(begun));
      code = await cancel(running.id);
    }

    expect(await ended).toBe(0);
    expect(await answer(folder)).toEqual(undisturbed);
    const tasks = await readTrace(join(folder, 'results/test'));
    expect(tasks.filter(({ status }) => status === 'FAILED')).toHaveLength(2);
  });

  test('Ctrl-C cancels the jobs of a run; -resume completes it', async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, 'site.config'), SITE);
    const { child, ended } = start(folder);
    await jobOf(child, 'R', /INGEST_BUCKET/);
    child.kill('SIGINT');
    expect(await ended).not.toBe(0);
    await waitUntil('no job is left', async () => (await slurm.jobs()).length === 0);

    await pipeline([...PROFILE, '-resume'], folder, ROOT, slurm.env);
    expect(await answer(folder)).toEqual(undisturbed);
    expect((await countTasks(join(folder, 'results/test'))).cached).toMatchObject({ PACK_BUCKETS: 1 });
  });
});
