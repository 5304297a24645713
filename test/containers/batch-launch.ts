import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { chmod, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ROOT } from '../support/run.ts';
import { type S3Server, startS3Server } from '../support/s3-server.ts';
import { waitUntil } from '../support/wait.ts';
import { launchCommand, toBatch } from './support/batch-task.ts';
import type { Podman } from './support/podman.ts';

const FASTA = join(ROOT, 'test/pipeline/data/queries.fasta');
/** A program that must not be called. */
const BROKEN = '#!/bin/sh\necho "not to be called: $0 $*" >&2\nexit 99\n';

/** An image, and the work folder of a run of Nextflow on this machine. */
interface Given {
  podman: Podman;
  image: string;
  /** Folder for files of the tests. */
  folder: string;
  /** Work folder of a run with process.scratch. */
  work: string;
}

/** Defines tests that start the image as AWS Batch does for a task of Nextflow: by its launch line, with all files on S3. */
export function describeBatchLaunch(given: () => Given): void {
  describe('started as AWS Batch does for Nextflow', () => {
    let server: S3Server;
    let local: string;
    let scratch: string;
    let role: Server;
    beforeAll(async () => {
      server = await startS3Server('versitygw', ['work']);
      local = await findTask(given().work, 'EMBED_SEQUENCES', FASTA);
      role = await startRole(server.env);
      scratch = join(given().folder, 'scratch');
      await mkdir(scratch);
      await chmod(scratch, 0o1777);
      await writeFile(join(given().folder, 'broken'), BROKEN);
      await chmod(join(given().folder, 'broken'), 0o755);
    });
    afterAll(async () => {
      role?.close();
      await server?.stop();
    });

    /** A job's container has no credentials: it requests those of its role. */
    const withoutKeys = ({ AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, ...env }: Record<string, string>) => ({
      ...env,
      AWS_CONTAINER_CREDENTIALS_FULL_URI: `http://127.0.0.1:${(role.address() as AddressInfo).port}/role`,
    });
    const stored = (...path: string[]) => join(server.data!, 'work', ...path);
    const textOf = (...path: string[]) => readFile(stored(...path), 'utf8');
    async function put(text: string | Buffer, ...path: string[]): Promise<void> {
      await mkdir(dirname(stored(...path)), { recursive: true });
      await writeFile(stored(...path), text);
    }

    /** Uploads a task's files to S3. @param script replaces that of the worker @returns the task's name */
    async function submit(fasta: string | Buffer, script?: string): Promise<string> {
      const task = `task-${randomUUID()}`;
      const at = `s3://work/${task}`;
      const inputs = new Map([[FASTA, `s3://work/input/${task}/queries.fasta`]]);
      const run = await readFile(join(local, '.command.run'), 'utf8');
      await put(fasta, 'input', task, 'queries.fasta');
      await put(toBatch(run, local, at, inputs, 's3://work/bin'), task, '.command.run');
      await put(script ?? (await readFile(join(local, '.command.sh'))), task, '.command.sh');
      for (const name of await readdir(join(ROOT, 'bin')))
        await put(await readFile(join(ROOT, 'bin', name)), 'bin', name);
      return task;
    }

    /** Starts a task's container as Batch does, with a read-only root. @returns the container's name */
    async function start(task: string, version: '24.10' | '25.10', ...options: string[]): Promise<string> {
      const { podman, image } = given();
      const env = Object.entries(withoutKeys(server.env)).flatMap(([name, value]) => ['--env', `${name}=${value}`]);
      const disks = ['--read-only', '--tmpfs', '/tmp', '--volume', `${scratch}:/scratch`];
      const command = launchCommand(version, `s3://work/${task}`);
      await podman.run('run', '--detach', '--name', task, ...env, ...disks, ...options, image, ...command);
      return task;
    }

    const ended = async (name: string) => Number((await given().podman.run('wait', name)).stdout);
    const broken = (path: string) => ['--volume', `${join(given().folder, 'broken')}:${path}:ro`];

    test('a task has the outputs of a local one, an exit code and a log', async () => {
      const task = await submit(await readFile(FASTA));
      // s5cmd does all calls of a task.
      const code = await ended(await start(task, '24.10', ...broken('/opt/awscli/bin/aws')));
      const log = (await given().podman.run('logs', task)).stdout;
      expect(code, log).toBe(0);
      expect(await textOf(task, '.exitcode')).toBe('0');
      expect(await textOf(task, '.command.begin')).toBe('start\n');
      expect(await textOf(task, '.command.trace')).toMatch(/^realtime=\d+$/m);
      const outputs = (await readdir(local)).filter((name) => /\.(h5|description|json)$/.test(name));
      expect(outputs.length).toBe(3);
      for (const name of outputs) expect((await textOf(task, name)).length, name).toBeGreaterThan(0);
      const description = outputs.find((name) => name.endsWith('.description'))!;
      expect(hashIn(await textOf(task, description))).toBe(hashIn(await readFile(join(local, description), 'utf8')));
      // The log has the messages of the worker, and those of copying files.
      expect(await textOf(task, '.command.log')).toContain((await textOf(task, '.command.err')).trim());
      expect(await textOf(task, '.command.log')).not.toContain('not to be called');
      // No file stays on the disk that the tasks of a machine share.
      expect(await readdir(scratch)).toEqual([]);
    });

    test.each(['24.10', '25.10'] as const)(
      'a task that fails, with the launch line of %s: its status',
      async (version) => {
        const task = await submit('no protein\n');
        // Where s5cmd fails, the AWS CLI does the call.
        const code = await ended(await start(task, version, ...broken('/opt/awscli/bin/s5cmd')));
        expect(code).toBe(65);
        expect(await textOf(task, '.exitcode')).toBe('65');
        expect(await textOf(task, '.command.log')).toContain('queries.fasta');
        expect(await textOf(task, '.command.err')).toContain('queries.fasta');
      },
    );

    test('a missing input ends with another code than 0, and the log names it', async () => {
      const task = await submit('');
      const run = await textOf(task, '.command.run');
      await put(run.replaceAll(`input/${task}/queries.fasta`, `input/${task}/gone.fasta`), task, '.command.run');
      expect(await ended(await start(task, '24.10'))).toBe(1);
      expect(await textOf(task, '.exitcode')).toBe('1');
      expect(await textOf(task, '.command.log')).toMatch(/gone\.fasta|404/);
    });

    // A reclaimed Spot machine, a time limit, or a cancelled job. Batch reads the exit code of the container.
    test.each(['24.10', '25.10'] as const)('SIGTERM with the launch line of %s: the log arrives', async (version) => {
      const task = await submit('', 'echo "the worker runs"\nexec sleep 300\n');
      await start(task, version);
      const logs = async () => (await given().podman.run('logs', task)).stdout;
      await waitUntil('the worker runs', async () => (await logs()).includes('the worker runs'), { state: logs });
      await given().podman.run('stop', '--time', '30', task);
      const code = await ended(task);
      expect(code, await logs()).toBe(143);
      expect(await textOf(task, '.command.log')).toContain('the worker runs');
    });
  });
}

/** Answers as the service with the credentials of a container's role. */
async function startRole({ AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY }: Record<string, string>): Promise<Server> {
  const Expiration = new Date(Date.now() + 3600_000).toISOString();
  const keys = { AccessKeyId: AWS_ACCESS_KEY_ID, SecretAccessKey: AWS_SECRET_ACCESS_KEY, Token: '', Expiration };
  const role = createServer((_, response) =>
    response.setHeader('content-type', 'application/json').end(JSON.stringify(keys)),
  );
  await once(role.listen(0, '127.0.0.1'), 'listening');
  return role;
}

/** Reads a shard's content hash from its description: the files themselves differ in the times that HDF5 records. */
const hashIn = (text: string) => /"contentHash":"(\w+)"/.exec(text)![1]!;

/** Finds the task folder of a process by its input file. */
async function findTask(work: string, process: string, input: string): Promise<string> {
  for (const path of await readdir(work, { recursive: true })) {
    if (!path.endsWith('/.command.run')) continue;
    const text = await readFile(join(work, path), 'utf8');
    if (text.includes(`${process} `) && text.includes(input)) return dirname(join(work, path));
  }
  throw new Error(`no task of ${process} for ${input} in ${work}`);
}
