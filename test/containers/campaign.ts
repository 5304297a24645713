import { type ChildProcess, spawn } from 'node:child_process';
import { chmod, mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeS3Plugin } from '../pipeline/support/s3-plugin.ts';
import { type Account, deployStack, startAccount } from '../support/aws.ts';
import { type Finished, finish, lanceflow, ROOT } from '../support/run.ts';
import { waitUntil } from '../support/wait.ts';
import type { Podman } from './support/podman.ts';

const DATA = join(ROOT, 'test/pipeline/data');
const BUCKET = 'lanceflow-test';
/** Limit of each wait, far more than an idle machine needs. */
const LIMIT_MS = 300_000;
/** Options of a job's container beyond its definition: a read-only root, and the machine's network. */
const ENGINE = ['podman', 'run', '--rm', '--pull', 'never', '--read-only', '--tmpfs', '/tmp'];

/** The images of tasks and head, a folder, and the neighbours of a local run on the same data. */
interface Given {
  podman: Podman;
  image: string;
  head: string;
  folder: string;
  neighbours: Buffer;
}

interface Job {
  id: string;
  name: string;
  status: string;
  queue: string;
  definition: string;
  attempts: number;
  campaign: string;
  resources: Record<string, string>;
}

/** A running `launch`. */
interface Follower {
  child: ChildProcess;
  /** Its output so far. */
  text(): string;
  /** How it ended; undefined while it runs. */
  end(): Finished | undefined;
}

/**
 * Defines a test of a campaign from `doctor` to `--cancel` on moto's AWS Batch, which starts each job in its image. Nextflow's plugins are
 * not in the registries; their stand-ins in the head's image make the same requests (test/pipeline/support/s3-plugin).
 */
export function describeCampaign(given: () => Given): void {
  describe('a campaign on AWS Batch', () => {
    let account: Account;
    let machine: string;
    let params: Record<string, unknown>;
    const running: ChildProcess[] = [];

    beforeAll(async () => {
      const { podman, image, head, folder } = given();
      machine = join(folder, 'machine');
      await mkdir(join(machine, 'scratch'), { recursive: true });
      await chmod(join(machine, 'scratch'), 0o1777);
      account = await startAccount([], { machine, engine: ENGINE, env: podman.env });
      const stack = await deployStack(account, BUCKET);
      // An image with the plugins that the build could not fetch.
      await makeS3Plugin(folder);
      await writeFile(join(folder, 'Dockerfile'), `FROM ${head}\nCOPY plugins /opt/nextflow/plugins\n`);
      const repository = stack.Image!.split(':')[0]!;
      const build = ['build', '--layers=false', '--file', join(folder, 'Dockerfile')];
      await podman.run(...build, '--tag', `${repository}:head-0.1.0`, folder);
      await podman.run('tag', image, stack.Image!);
      params = {
        ...{ input: `s3://${BUCKET}/input/proteins/`, queries: `s3://${BUCKET}/input/queries.fasta` },
        ...{ model: 'kmer', bucket_size: 60, search: 'exact' },
        ...{ database: `s3://${BUCKET}/database/soil`, outdir: `s3://${BUCKET}/results/soil` },
        ...{ aws_container: stack.Image, aws_job_role: stack.JobRole, aws_region: stack.Region },
        aws_reader_definition: stack.ReaderJobDefinition,
      };
    }, 300_000);
    afterAll(async () => {
      for (const child of running) child.kill('SIGKILL');
      await account?.stop();
    });

    const upload = (files: Array<[string, string]>) =>
      account.python(
        `for name, key in json.loads(sys.argv[1]): client('s3').upload_file(os.path.join(sys.argv[2], name), '${BUCKET}', key)`,
        JSON.stringify(files),
        DATA,
      );
    const download = (key: string) =>
      account.python<string>(
        `print(json.dumps(client('s3').get_object(Bucket='${BUCKET}', Key=sys.argv[1])['Body'].read().decode()))`,
        key,
      );
    /** Lists all jobs: moto describes all where none is named. */
    const jobs = () =>
      account.python<Job[]>(`
print(json.dumps([dict(id=job['jobId'], name=job['jobName'], status=job['status'], queue=job['jobQueue'].split('/')[-1],
    definition=job['jobDefinition'].split('/')[-1], attempts=len(job['attempts']), campaign=job['tags'].get('lanceflow-campaign'),
    resources={one['type']: one['value'] for one in job['container']['resourceRequirements']})
    for job in client('batch').describe_jobs(jobs=[])['jobs']]))`);
    const tasksOf = async (campaign: string) =>
      (await jobs()).filter((job) => job.campaign === campaign && !job.name.startsWith('lanceflow-'));
    const containers = async () =>
      (await given().podman.run('ps', '--format', '{{.Names}}')).stdout.split('\n').filter((name) => name !== '');
    /** What the errors of waits show: the output of `launch`, the jobs, the containers. */
    const stateOf = async (follower: Follower) =>
      [follower.text(), ...(await jobs()).map((job) => JSON.stringify(job)), ...(await containers())].join('\n');
    const wait = (what: string, look: () => Promise<boolean> | boolean, follower: Follower) =>
      waitUntil(what, look, {
        during: follower.child,
        state: () => stateOf(follower),
        everyMs: 100,
        limitMs: LIMIT_MS,
      });
    const endOf = (follower: Follower) =>
      waitUntil('launch ends', follower.end, { state: () => stateOf(follower), limitMs: LIMIT_MS });

    /** Waits until tasks have started and wait for their file: a status of Batch comes before the container has started. */
    const waitForTasks = (count: number, name: string, follower: Follower) =>
      wait(
        `${count} tasks of ${name} have started`,
        async () =>
          (await readdir(join(machine, 'scratch'))).filter((file) => file.startsWith(`${name}-`)).length >= count,
        follower,
      );
    /** Waits until Nextflow has a number of finished tasks in its cache: an earlier end of the head would repeat the others. */
    const waitForCache = (count: number, follower: Follower) =>
      wait(
        `${count} tasks are in the cache`,
        async () =>
          (await (await fetch(`${account.endpoint}/${BUCKET}?prefix=work/cache/`)).text()).split('<Key>').length >
          count,
        follower,
      );

    /** The arguments of a campaign whose tasks of one process report their start in a file, and wait for another one. */
    async function campaign(name: string, changed: object, process: string): Promise<string[]> {
      const [file, config] = [join(given().folder, `${name}.json`), join(given().folder, `${name}.config`)];
      await writeFile(file, JSON.stringify({ ...params, ...changed }));
      const waits = `touch "/scratch/${name}-$AWS_BATCH_JOB_ID"; until [ -e /scratch/go-${name} ]; do sleep 0.2; done`;
      const settings = `process {\n    withName: ${process} { beforeScript = '${waits}' }\n}`;
      await writeFile(config, `executor.pollInterval = '1 sec'\n${settings}\n`);
      const where = ['--params-file', file, '--work-dir', `s3://${BUCKET}/work`];
      return ['launch', '--campaign', name, ...where, '--config', config, '--poll', '0.5'];
    }

    function start(args: readonly string[]): Follower {
      const child = spawn(join(ROOT, 'bin/lanceflow'), args, { env: account.env });
      running.push(child);
      let text = '';
      for (const stream of [child.stdout, child.stderr]) stream.on('data', (part) => (text += part));
      let end: Finished | undefined;
      void finish(child).then((finished) => (end = finished));
      return { child, text: () => text, end: () => end };
    }

    test('doctor, launch, a lost head, a resumed run, and cancel', { timeout: 1_200_000 }, async () => {
      const proteins = (await readdir(DATA)).filter((name) => /^proteins_.*\.fasta$/.test(name));
      expect(proteins.length).toBeGreaterThan(2);
      await upload([
        ...proteins.map((name): [string, string] => [name, `input/proteins/${name}`]),
        ['queries.fasta', 'input/queries.fasta'],
      ]);
      const args = await campaign('soil', {}, 'PACK_BUCKETS');

      const where = args.slice(args.indexOf('--params-file'), args.indexOf('--config'));
      const doctor = await lanceflow(['doctor', '--profile', 'awsbatch', ...where], { env: account.env });
      expect(doctor.code, doctor.stdout).toBe(0);

      // The head's machine is lost while a task runs. Batch restarts the head; it ends that task, and reuses finished ones. Sequences of
      // queries may still be embedded when buckets are packed.
      const first = start(args);
      await waitForTasks(1, 'soil', first);
      await waitForCache(proteins.length + 1, first);
      const container = (await containers()).find((name) => name.startsWith('lanceflow-soil'))!;
      await given().podman.run('kill', '--signal', 'KILL', container);
      await wait('tasks are ended', () => /ending \d+ tasks? of its previous head/.test(first.text()), first);
      expect(first.text()).toContain('ending 1 task of its previous head');
      await writeFile(join(machine, 'scratch/go-soil'), '');
      expect((await endOf(first)).code, first.text()).toBe(0);
      const head = (await jobs()).filter(({ name }) => name === 'lanceflow-soil');
      expect(head).toMatchObject([{ status: 'SUCCEEDED', queue: 'lanceflow-head', attempts: 2 }]);
      expect(await download('results/soil/neighbours.csv')).toBe(given().neighbours.toString());
      const tasks = await tasksOf('soil');
      const of = (process: string) => tasks.filter(({ name }) => name.includes(process));
      const ended = (process: string) => of(process).map(({ status }) => status);
      // Finished tasks of the lost head did not run again.
      expect(ended('EMBED_SEQUENCES')).toEqual(Array(proteins.length + 1).fill('SUCCEEDED'));
      expect(ended('PACK_BUCKETS')).toEqual(['FAILED', 'SUCCEEDED']);
      const builders = /^nf-\w+-dkr-ecr-.*-lanceflow-0-1-0:1$/;
      for (const process of ['INGEST_BUCKET', 'INDEX_BUCKET']) {
        expect(of(process).length).toBe(of('SEARCH_BUCKET').length);
        for (const job of of(process)) {
          expect(job).toMatchObject({ queue: 'lanceflow-storage', status: 'SUCCEEDED' });
          expect(job.definition).toMatch(builders);
        }
      }
      for (const [process, queue] of [
        ['SEARCH_BUCKET', 'storage'],
        ['MERGE_HITS', 'light'],
      ] as const)
        for (const job of of(process))
          expect(job).toMatchObject({ queue: `lanceflow-${queue}`, definition: 'lanceflow-reader:1' });
      expect(of('SEARCH_BUCKET')[0]!.resources).toEqual({ MEMORY: '65536', VCPU: '16' });

      // Another k, and the same files named by a glob: embedding and building are cached.
      const again = { k: 5, input: `s3://${BUCKET}/input/proteins/proteins_*.fasta` };
      const second = start([...(await campaign('soil', again, 'PACK_BUCKETS')), '--again']);
      expect((await endOf(second)).code, second.text()).toBe(0);
      const more = (await tasksOf('soil')).slice(tasks.length);
      expect(more.map(({ name }) => name.replace(/^(SEARCH|REPORT)/, '')).sort()).toEqual(
        [
          'MERGE_HITS',
          'RENDER_REPORT',
          ...of('SEARCH_BUCKET').map(({ name }) => name.replace(/^(SEARCH|REPORT)/, '')),
        ].sort(),
      );
      const fewer = (await download('results/soil/neighbours.csv')).trimEnd().split('\n');
      expect(fewer).toEqual(expectedOf(given().neighbours.toString(), 5));

      // Cancelled while its tasks run: no container keeps running. The proteins are those of the campaign above: with its kept embeddings, no
      // task would embed, and none could be awaited.
      const changed = { outdir: `s3://${BUCKET}/results/lake`, embedding_cache: 'none' };
      const lake = await campaign('lake', changed, 'EMBED_SEQUENCES');
      const third = start(lake);
      await waitForTasks(proteins.length + 1, 'lake', third);
      const cancel = await lanceflow([...lake, '--cancel', '--json'], { env: account.env });
      expect(cancel.code, cancel.stderr).toBe(0);
      expect(JSON.parse(cancel.stdout)).toMatchObject({ status: 'CANCELLED' });
      expect(await endOf(third)).toMatchObject({ code: 65 });
      expect(third.text()).toContain('lake FAILED (campaign lake was cancelled)');
      await waitUntil('no container runs', async () => (await containers()).length === 0, {
        state: () => stateOf(third),
        limitMs: LIMIT_MS,
      });
      const cancelled = (await jobs()).filter((job) => job.campaign === 'lake');
      expect(cancelled.map(({ status }) => status)).toEqual(Array(proteins.length + 2).fill('FAILED'));
    });
  });
}

/** Filters the CSV's lines by rank: the nearest k of each query. */
const expectedOf = (csv: string, k: number) => {
  const [head = '', ...lines] = csv.trimEnd().split('\n');
  const rank = head.split(',').indexOf('rank');
  return [head, ...lines.filter((line) => Number(line.split(',')[rank]) <= k)];
};
