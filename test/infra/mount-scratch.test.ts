import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { missingPython, ROOT, run, temporaryFolder } from '../support/run.ts';

const SCRIPT = join(ROOT, 'infra/mount-scratch.sh');

test.skipIf(missingPython())('the script passes shellcheck', async () => {
  const { code, stdout } = await run(join(ROOT, '.tools/python/bin/shellcheck'), [SCRIPT]);
  expect(code, stdout).toBe(0);
});

describe('what the script does, on a machine with', () => {
  // No machine of the tests has disks to spare: the programs that would touch them say what they were told.
  const ROOT_DISK = '/dev/nvme0n1 Amazon Elastic Block Store';
  const disk = (n: number) => `/dev/nvme${n}n1 Amazon EC2 NVMe Instance Storage`;

  async function onMachine(disks: readonly string[], failing = '') {
    const folder = await temporaryFolder();
    const log = join(folder, 'log');
    await mkdir(join(folder, 'bin'));
    await writeFile(log, '');
    for (const name of ['mkdir', 'mdadm', 'mkfs.xfs', 'mount', 'chmod', 'systemctl', 'dnf', 'lsblk']) {
      const says = name === 'lsblk' ? `printf '%s\\n' ${disks.map((each) => `'${each}'`).join(' ')}` : '';
      const body = `#!/bin/bash\necho "${name} $*" >> '${log}'\n${says}\n${name === failing ? 'exit 1' : ''}\n`;
      await writeFile(join(folder, 'bin', name), body);
      await chmod(join(folder, 'bin', name), 0o755);
    }
    const env = { PATH: `${join(folder, 'bin')}:${process.env.PATH}` };
    const { code } = await run('bash', [SCRIPT], { env });
    return { code, calls: (await readFile(log, 'utf8')).trimEnd().split('\n').slice(2) };
  }

  test('no instance disk: a folder of the root disk', async () => {
    expect(await onMachine([ROOT_DISK])).toEqual({ code: 0, calls: ['chmod 1777 /scratch'] });
  });

  test('one: it is formatted and mounted', async () => {
    expect(await onMachine([ROOT_DISK, disk(1)])).toEqual({
      code: 0,
      calls: ['mkfs.xfs -f -K /dev/nvme1n1', 'mount -o noatime,discard /dev/nvme1n1 /scratch', 'chmod 1777 /scratch'],
    });
  });

  test('two: they become one', async () => {
    expect(await onMachine([ROOT_DISK, disk(1), disk(2)])).toEqual({
      code: 0,
      calls: [
        'mdadm --create /dev/md/scratch --run --level=0 --raid-devices=2 /dev/nvme1n1 /dev/nvme2n1',
        'mkfs.xfs -f -K /dev/md/scratch',
        'mount -o noatime,discard /dev/md/scratch /scratch',
        'chmod 1777 /scratch',
      ],
    });
  });

  test('one that cannot be mounted: no jobs come to it', async () => {
    const { code, calls } = await onMachine([ROOT_DISK, disk(1)], 'mount');
    expect(code).not.toBe(0);
    expect(calls.at(-1)).toBe('systemctl mask --now ecs');
  });
});
