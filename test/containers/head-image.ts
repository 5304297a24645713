import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { planHead } from '../../workers/src/cloud/launch/campaign.ts';
import { pipeline } from '../pipeline/support/nextflow.ts';
import { ROOT, temporaryFolder } from '../support/run.ts';
import { buildHead } from './support/build-image.ts';
import type { Podman } from './support/podman.ts';

/** The image's name. */
export const HEAD = 'lanceflow:head-0.1.0';
/** With a read-only root. */
const READ_ONLY = ['--rm', '--read-only', '--tmpfs', '/tmp'];

/** The tasks' image, on which the head's is built, and a folder with the build's secrets. */
interface Given {
  podman: Podman;
  image: string;
  folder: string;
}

/** Defines tests of the image of containers/head, built without the plugins, whose registry may be unreachable. */
export function describeHeadImage(given: () => Given): void {
  describe('the image of the head', () => {
    let podman: Podman;
    beforeAll(async () => {
      podman = given().podman;
      await buildHead(podman, HEAD, given().image, given().folder);
    }, 900_000);

    test('runs Nextflow as a user without write access to it', async () => {
      expect((await podman.run('run', ...READ_ONLY, HEAD)).stdout).toContain('version 24.10.0');
      const command = 'id -u; find /opt /usr /etc /var/lib -writable ! -type l 2>/dev/null || true';
      expect((await podman.run('run', ...READ_ONLY, HEAD, 'sh', '-c', command)).stdout).toBe('1000\n');
    });

    test('runs the stubs of the pipeline: the same tasks as on this machine', async () => {
      const data = `${join(ROOT, 'test/pipeline/data')}:/opt/lanceflow/test/pipeline/data:ro`;
      const words = [
        'nextflow',
        'run',
        '/opt/lanceflow/main.nf',
        '-profile',
        'test',
        '-stub-run',
        '-ansi-log',
        'false',
      ];
      const { stdout } = await podman.run('run', ...READ_ONLY, '--volume', data, HEAD, ...words);
      const cwd = await temporaryFolder();
      const here = await pipeline(['-profile', 'test', '-stub-run', '-ansi-log', 'false'], cwd);
      const tasksOf = (text: string) => [...text.matchAll(/Submitted process > (.*)/g)].map(([, name]) => name).sort();
      expect(tasksOf(stdout).length).toBeGreaterThan(8);
      expect(tasksOf(stdout)).toEqual(tasksOf(here.stdout));
    });

    test('names the missing plugin, and how to build an image with it, before Nextflow starts', async () => {
      const plugins = (await readFile(join(ROOT, 'containers/head/plugins.txt'), 'utf8')).match(/^nf-.*$/gm)!;
      expect(plugins.length).toBe(2);
      const { command } = planHead('soil', 's3://bucket/work', 'eu-central-1', { k: 7 });
      const withConfig = planHead('soil', 's3://bucket/work', 'eu-central-1', { k: 7 }, 'process.cpus = 1').command;
      for (const words of [command, withConfig, ['nextflow', 'run', 'main.nf', '-profile', 'test,awsbatch']]) {
        // With 1, the job definition does not restart the head.
        const text = await failure(podman.run('run', ...READ_ONLY, HEAD, ...words));
        expect(text).toContain('ended with 1:');
        for (const plugin of plugins) expect(text).toContain(` ${plugin}`);
        expect(text).toContain('containers/README.md');
      }
    });

    test('accepts an image with the plugins', async () => {
      // In Nextflow's layout; the contents are not checked.
      const plugins = await temporaryFolder();
      await chmod(plugins, 0o755);
      for (const name of ['nf-amazon-2.9.0', 'nf-cloudcache-0.4.2'])
        await mkdir(join(plugins, name, 'classes/META-INF'), { recursive: true });
      const check = ['--volume', `${plugins}:/opt/nextflow/plugins:ro`, HEAD, '--check'];
      expect(await failure(podman.run('run', ...READ_ONLY, ...check))).toContain(' nf-cloudcache@0.4.2. Build');
      for (const name of ['nf-amazon-2.9.0', 'nf-cloudcache-0.4.2'])
        await writeFile(join(plugins, name, 'classes/META-INF/MANIFEST.MF'), '');
      await podman.run('run', ...READ_ONLY, ...check);
    });
  });
}

/** Returns the output of a command that must fail. */
async function failure(running: Promise<unknown>): Promise<string> {
  return running.then(
    () => expect.fail('it did not fail'),
    (error: Error) => error.message,
  );
}
