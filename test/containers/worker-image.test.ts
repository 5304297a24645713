// @module-tag slow

import { randomUUID } from 'node:crypto';
import { chmod, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { pipeline } from '../pipeline/support/nextflow.ts';
import { hasProgram, missing, missingPython, ROOT, run, sharedFolder, temporaryFolder } from '../support/run.ts';
import { startS3Server } from '../support/s3-server.ts';
import { standIns } from '../support/singularity.ts';
import { describeAskRemote } from './ask-remote.ts';
import { describeBatchLaunch } from './batch-launch.ts';
import { describeCampaign } from './campaign.ts';
import { describeHeadImage, HEAD } from './head-image.ts';
import { baseImage } from './support/base-image.ts';
import { buildImage } from './support/build-image.ts';
import { type Podman, startPodman } from './support/podman.ts';

// Builds the image of containers/worker as a user does, and runs the pipeline in it.

const NAME = 'lanceflow:0.1.0';
const BASE = 'localhost/base:test';
const MARK = randomUUID();
// `auto` chooses the strategy by measured times, so the strategy is given.
const EXACT = ['--search', 'exact'];

const hasPrograms = ['podman', 'runc', 'debootstrap', 'unshare'].every(hasProgram);
const skip =
  missing(
    process.getuid?.() === 0 && hasPrograms,
    'a container engine (as root: podman, runc, debootstrap, which .ci/run installs)',
  ) || missingPython();

describe.skipIf(skip)('the image of the tasks', { timeout: 300_000 }, () => {
  let folder: string;
  let podman: Podman;
  /** Neighbours of a run without containers: .csv and .parquet. */
  let neighbours: Buffer[];

  beforeAll(async () => {
    folder = await sharedFolder();
    podman = await startPodman(join(folder, 'podman'));
    await podman.run('import', await baseImage(), BASE);
    await buildImage(podman, NAME, BASE, folder, MARK);
  }, 900_000);
  afterAll(() => podman?.stop());

  /** Runs a shell command in a new container. @returns what it prints */
  const inside = async (command: string, ...options: string[]) =>
    (await podman.run('run', '--rm', ...options, NAME, 'bash', '-euc', command)).stdout.trim();

  test('runs as an unprivileged user without write access to it', async () => {
    expect(await inside('id -u; id -g')).toBe('1000\n1000');
    expect(await inside('find /opt /usr /etc /var/lib -writable ! -type l 2>/dev/null || true')).toBe('');
  });

  test('has Node 24, the programs that Nextflow needs, and the packages of package-lock.json', async () => {
    expect(await inside('$LANCEFLOW_HOME/node_modules/.bin/node --version')).toMatch(/^v24\./);
    expect(await inside('ps -o pid=,state=,rss= $$')).toMatch(/^\d+ +\w +\d+$/);
    expect(await inside('lanceflow search-bucket --help')).toContain('--nprobes');
    const { packages } = JSON.parse(await readFile(join(ROOT, 'package-lock.json'), 'utf8')) as Lock;
    const installed = JSON.parse(await inside('cat $LANCEFLOW_HOME/node_modules/.package-lock.json')) as Lock;
    const versions = Object.entries(installed.packages).map(([path, { version }]) => [path, version]);
    expect(versions).toEqual(versions.map(([path]) => [path, packages[path!]?.version]));
    const wanted = Object.entries(packages).filter(([path, { dev, optional }]) => path !== '' && !dev && !optional);
    expect(wanted.map(([path]) => path).filter((path) => !(path in installed.packages))).toEqual([]);
    expect(Object.keys(installed.packages).filter((path) => packages[path]?.dev)).toEqual([]);
  });

  test('`aws` copies, lists and refuses as the AWS CLI does', async () => {
    const pinned = /^awscli==(\S+)/m.exec(await readFile(join(ROOT, 'containers/worker/awscli.txt'), 'utf8'))![1]!;
    const server = await startS3Server('moto', ['work']);
    try {
      const options = Object.entries(server.env).flatMap(([name, value]) => ['--env', `${name}=${value}`]);
      const commands = [
        'aws --version',
        'cd; head -c 20000000 /dev/urandom > a',
        'aws s3 cp --only-show-errors a s3://work/task/a',
        'aws s3 cp --only-show-errors --recursive s3://work/task b',
        'cmp a b/a && aws s3 ls s3://work/task/',
        // Names with the characters of patterns and options, pipes, and a folder as the target.
        'head -c 1000 a > "q *?[x] -y.h5"',
        'aws s3 cp --only-show-errors --storage-class STANDARD "q *?[x] -y.h5" "s3://work/task/in/q *?[x] -y.h5"',
        'aws s3 cp --only-show-errors "s3://work/task/in/q *?[x] -y.h5" new/c && cmp new/c "q *?[x] -y.h5"',
        'aws s3 cp --only-show-errors --storage-class STANDARD - s3://work/task/piped < new/c',
        'aws s3 cp --only-show-errors s3://work/task/piped - | cmp - new/c',
        'aws s3 cp --only-show-errors --sse aws:kms --sse-kms-key-id key-1 --acl bucket-owner-full-control --request-payer requester a s3://work/kept',
        'aws s3api head-object --bucket work --key kept --output text --query "[ServerSideEncryption, SSEKMSKeyId]" | grep -x "aws:kms.*key-1"',
        'aws s3 cp --only-show-errors s3://work/task/piped . && cmp piped new/c',
        'aws s3 cp --only-show-errors --recursive --storage-class STANDARD b s3://work/task/folder/b',
        'for prefix in task task/ task/in task/folder/b; do',
        '  diff <(aws s3 ls "s3://work/$prefix") <(/opt/awscli/bin/aws s3 ls "s3://work/$prefix")',
        'done',
        'for call in "cp --only-show-errors s3://work/none d" "cp --only-show-errors s3://work/none -" "ls s3://work/none"; do',
        '  if aws s3 $call; then exit 1; fi',
        'done',
        '[ ! -e d ] && ls /tmp && echo done',
      ];
      const printed = await inside(commands.join('\n'), ...options);
      expect(printed).toContain(`aws-cli/${pinned} `);
      expect(printed).toMatch(/ 20000000 a$/m);
      // No temporary file remains.
      expect(printed).toMatch(/key-1\ndone$/);
    } finally {
      await server.stop();
    }
  });

  test("is small, and has none of the build's settings", async () => {
    const sizeOf = async (name: string) =>
      Number((await podman.run('image', 'inspect', '--format', '{{.Size}}', name)).stdout);
    expect((await sizeOf(NAME)) - (await sizeOf(BASE))).toBeLessThan(560e6);
    const archive = join(folder, 'image.tar');
    await podman.run('save', '--output', archive, NAME);
    const { code, stdout } = await run('grep', ['--text', '--count', MARK, archive]);
    expect([code, stdout.trim()]).toEqual([1, '0']);
    // The same search finds a text that the image has.
    expect((await run('grep', ['--text', '--quiet', 'LANCEFLOW_HOME', archive])).code).toBe(0);
    await rm(archive);
  });

  describe('the pipeline in it', () => {
    // Not below the folder that all tasks share: the container must mount it separately.
    const database = join('/var/tmp', `lanceflow-test-${randomUUID()}`);
    let home: string;
    const answer = (results: string) =>
      Promise.all(['csv', 'parquet'].map((kind) => readFile(join(results, `neighbours.${kind}`))));

    beforeAll(async () => {
      home = join(folder, 'without');
      await mkdir(home);
      // With scratch, as on AWS Batch: describeBatchLaunch reads a task's script from this run.
      await pipeline(['-profile', 'test', ...EXACT, '-process.scratch', join(folder, 'scratch-without')], home);
      neighbours = await answer(join(home, 'results/test'));
      expect(neighbours[0]!.toString().split('\n').length).toBeGreaterThan(50);
    });
    afterAll(() => rm(database, { recursive: true, force: true }));

    describeBatchLaunch(() => ({ podman, image: NAME, folder, work: join(home, 'work') }));

    test('-profile podman has the bytes of a run without containers', async () => {
      const cwd = await temporaryFolder();
      await pipeline(['-profile', 'test,podman', ...EXACT, '--database', database], cwd, ROOT, podman.env);
      expect(await answer(join(cwd, 'results/test'))).toEqual(neighbours);
      await expectAllIn('podman run ', cwd);
    });

    // Podman accepts Docker's command line; Docker itself needs a service.
    test('-profile docker searches that database, with the same bytes', async () => {
      const cwd = await temporaryFolder();
      await mkdir(join(cwd, 'bin'));
      await writeFile(join(cwd, 'bin/docker'), '#!/bin/sh\nexec podman "$@"\n');
      await chmod(join(cwd, 'bin/docker'), 0o755);
      const env = { ...podman.env, PATH: `${join(cwd, 'bin')}${delimiter}${process.env.PATH}` };
      const queries = join(ROOT, 'test/pipeline/data/queries.fasta');
      const args = ['--queries', queries, '--model', 'kmer', '--database', database, ...EXACT];
      await pipeline(['-profile', 'docker', ...args], cwd, ROOT, env);
      expect(await answer(join(cwd, 'results'))).toEqual(neighbours);
      await expectAllIn('docker run ', cwd);
    });

    // Debian has neither engine: a stand-in translates their command line for Podman.
    test('-profile singularity searches that database, with the same bytes', async () => {
      const cwd = await temporaryFolder();
      const engines = await standIns(cwd, { image: NAME, env: podman.env });
      await writeFile(join(cwd, 'lanceflow.sif'), '');
      const env = { ...podman.env, PATH: `${engines.bin}${delimiter}${process.env.PATH}` };
      const queries = join(ROOT, 'test/pipeline/data/queries.fasta');
      const args = ['--queries', queries, '--model', 'kmer', '--database', database, ...EXACT];
      await pipeline(['-profile', 'standard,singularity', ...args], cwd, ROOT, env);
      expect(await answer(join(cwd, 'results'))).toEqual(neighbours);
      await expectAllIn('singularity exec ', cwd);
      expect((await engines.started()).length).toBeGreaterThan(3);
    });
  });

  describeAskRemote(() => ({ podman, image: NAME, folder }));
  describeHeadImage(() => ({ podman, image: NAME, folder }));
  describeCampaign(() => ({ podman, image: NAME, head: HEAD, folder, neighbours: neighbours[0]! }));
});

interface Lock {
  packages: Record<string, { version: string; dev?: boolean; optional?: boolean }>;
}

/** Expects that this command started every task. */
async function expectAllIn(command: string, cwd: string): Promise<void> {
  const work = join(cwd, 'work');
  const scripts = (await readdir(work, { recursive: true })).filter((path) => path.endsWith('/.command.run'));
  expect(scripts.length).toBeGreaterThan(0);
  for (const path of scripts) expect(await readFile(join(work, path), 'utf8')).toContain(command);
}
