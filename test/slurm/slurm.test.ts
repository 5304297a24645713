// @module-tag slow

import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { waitUntil } from '../pipeline/support/kill.ts';
import { countTasks, pipeline, readTrace, startPipeline } from '../pipeline/support/nextflow.ts';
import { hasProgram, missing, ROOT, sharedFolder, temporaryFolder } from '../support/run.ts';
import { type Slurm, startSlurm, until } from './support/slurm.ts';

// The pipeline on a real Slurm, of one node.

const hasPrograms = ['munged', 'slurmctld', 'slurmd', 'sbatch'].every(hasProgram);
const skip = missing(hasPrograms, 'Slurm (munge, slurmctld, slurmd, slurm-client, which .ci/run installs)');

// A person's own settings: how often Nextflow looks, so that the tests need not wait for what clusters want to be spared.
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

  /** A folder with the settings, and a run in it that was started; `ended` gives its exit code. */
  const start = (folder: string, ...args: string[]) => {
    const child = startPipeline([...PROFILE, ...args], folder, slurm.env);
    return { child, ended: once(child, 'exit').then(([code]) => code as number | null) };
  };
  /** Waits for a job in a state whose name matches, while the run goes on. */
  const jobOf = (child: ReturnType<typeof startPipeline>, state: string, name: RegExp) =>
    waitUntil(child, async () => (await slurm.jobs()).find((job) => job.state === state && name.test(job.name)));
  const folderOf = async (id: string) => /WorkDir=(\S+)/.exec(await slurm.run('scontrol', 'show', 'job', id))![1]!;
  /** Cancels a job. @returns what the task left as its exit code, undefined where it left none */
  const cancel = async (id: string) => {
    const folder = await folderOf(id);
    await slurm.run('scancel', id);
    await until(async () => !(await slurm.jobs()).some((job) => job.id === id));
    return readFile(join(folder, '.exitcode'), 'utf8').catch(() => undefined);
  };

  beforeAll(async () => {
    built = await sharedFolder();
    slurm = await startSlurm(join(built, 'slurm'));
    await pipeline(['-profile', 'test'], built);
    undisturbed = await answer(built);
  }, 400_000);
  afterAll(() => slurm?.stop());

  test('a node drained and resumed, jobs cancelled while they wait and while they run: the bytes of a local run', async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, 'site.config'), SITE);
    const { child, ended } = start(folder);

    // The node is closed while the sequences are embedded: what follows waits.
    await jobOf(child, 'R', /EMBED_SEQUENCES/);
    await slurm.run('scontrol', 'update', 'NodeName=node', 'State=DRAIN', 'Reason=test');
    const waiting = await jobOf(child, 'PD', /EMBED_SEQUENCES|PACK_BUCKETS/);
    await until(async () => (await slurm.run('sinfo', '--noheader', '--format=%T')).trim() === 'drained');
    expect(await cancel(waiting.id)).toBeUndefined();
    await slurm.run('scontrol', 'update', 'NodeName=node', 'State=RESUME');

    // A worker that had begun; one that was done already is no test.
    for (let code: string | undefined = '0'; code === '0'; ) {
      const running = await jobOf(child, 'R', /INGEST_BUCKET|INDEX_BUCKET|SEARCH_BUCKET/);
      const begun = join(await folderOf(running.id), '.command.out');
      await until(async () => existsSync(begun));
      code = await cancel(running.id);
    }

    expect(await ended).toBe(0);
    expect(await answer(folder)).toEqual(undisturbed);
    const tasks = await readTrace(join(folder, 'results/test'));
    expect(tasks.filter(({ status }) => status === 'FAILED')).toHaveLength(2);
  });

  test('stopped by Ctrl-C, a run takes its jobs back; -resume does the rest', async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, 'site.config'), SITE);
    const { child, ended } = start(folder);
    await jobOf(child, 'R', /INGEST_BUCKET/);
    child.kill('SIGINT');
    expect(await ended).not.toBe(0);
    await until(async () => (await slurm.jobs()).length === 0);

    await pipeline([...PROFILE, '-resume'], folder, ROOT, slurm.env);
    expect(await answer(folder)).toEqual(undisturbed);
    expect((await countTasks(join(folder, 'results/test'))).cached).toMatchObject({ PACK_BUCKETS: 1 });
  });
});
