import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { hasProgram, missing, missingPython, ROOT, run, temporaryFolder } from '../support/run.ts';

const SCRIPT = join(ROOT, 'infra/mount-scratch.sh');

test.skipIf(missingPython())('the script passes shellcheck', async () => {
  const { code, stdout } = await run(join(ROOT, '.tools/python/bin/shellcheck'), [SCRIPT]);
  expect(code, stdout).toBe(0);
});

describe('mount-scratch.sh on a machine with', () => {
  // The tests have no disks to format: stand-ins of the programs record their calls.
  const CHANGES = ['cp', 'iptables', 'mkdir', 'mdadm', 'mkfs.xfs', 'mount', 'chmod', 'systemctl', 'shutdown', 'dnf'];
  const ROOT_DISK = '/dev/nvme0n1 Amazon Elastic Block Store';
  const disk = (n: number) => `/dev/nvme${n}n1 Amazon EC2 NVMe Instance Storage`;

  async function onMachine(disks: readonly string[], failing = '') {
    const folder = await temporaryFolder();
    const log = join(folder, 'log');
    await mkdir(join(folder, 'bin'));
    await writeFile(log, '');
    for (const name of [...CHANGES, 'lsblk']) {
      const says = name === 'lsblk' ? `printf '%s\\n' ${disks.map((each) => `'${each}'`).join(' ')}` : '';
      const body = `#!/bin/bash\necho "${name} $*" >> '${log}'\n${says}\n${name === failing ? 'exit 1' : ''}\n`;
      await writeFile(join(folder, 'bin', name), body);
      await chmod(join(folder, 'bin', name), 0o755);
    }
    const env = { PATH: `${join(folder, 'bin')}:${process.env.PATH}` };
    const { code } = await run('bash', [SCRIPT], { env });
    const calls = (await readFile(log, 'utf8')).trimEnd().split('\n');
    return { code, calls: calls.filter((call) => !/^(cp|iptables|mkdir|lsblk) /.test(call)), all: calls };
  }

  test('no instance disk uses the root disk', async () => {
    expect(await onMachine([ROOT_DISK])).toMatchObject({ code: 0, calls: ['chmod 1777 /scratch'] });
  });

  test('one instance disk formats and mounts it', async () => {
    expect(await onMachine([ROOT_DISK, disk(1)])).toMatchObject({
      code: 0,
      calls: ['mkfs.xfs -f -K /dev/nvme1n1', 'mount -o noatime,discard /dev/nvme1n1 /scratch', 'chmod 1777 /scratch'],
    });
  });

  test('two instance disks combines them', async () => {
    expect(await onMachine([ROOT_DISK, disk(1), disk(2)])).toMatchObject({
      code: 0,
      calls: [
        'mdadm --create /dev/md/scratch --run --level=0 --raid-devices=2 /dev/nvme1n1 /dev/nvme2n1',
        'mkfs.xfs -f -K /dev/md/scratch',
        'mount -o noatime,discard /dev/md/scratch /scratch',
        'chmod 1777 /scratch',
      ],
    });
  });

  test('a failing step gets no jobs and shuts down', async () => {
    const { all } = await onMachine([ROOT_DISK, disk(1), disk(2)]);
    const programs = all.map((call) => call.split(' ')[0]!);
    expect(programs).toEqual(['cp', 'iptables', 'mkdir', 'lsblk', 'mdadm', 'mkfs.xfs', 'mount', 'chmod']);
    for (const failing of programs) {
      const { code, calls } = await onMachine([ROOT_DISK, disk(1), disk(2)], failing);
      expect(code, failing).not.toBe(0);
      expect(calls.slice(-2), failing).toEqual(['systemctl mask --now ecs', 'shutdown -h now']);
    }
  });
});

const inNamespaces = process.getuid?.() === 0 && ['iptables', 'ip', 'unshare', 'setpriv', 'curl'].every(hasProgram);

// In a network namespace, with the metadata service and the credentials of tasks at their addresses.
test.skipIf(missing(inNamespaces, 'root, iptables, iproute2 and curl') || missingPython())(
  'the metadata service answers root alone; the credentials of tasks are for everyone',
  async () => {
    const rule = /^iptables .*$/m.exec(await readFile(SCRIPT, 'utf8'))![0];
    const ask = (user: number, address: string) =>
      `setpriv --reuid ${user} --regid ${user} --clear-groups curl -s -o /dev/null -m 5 http://${address}/ && echo ${user} ${address}`;
    const asks = [0, 1000, 1001].flatMap((user) => [`169.254.169.254`, `169.254.170.2`].map((at) => ask(user, at)));
    const body = `
ip link set lo up
ip address add 169.254.169.254/32 dev lo
ip address add 169.254.170.2/32 dev lo
cd "$1"
"$2" -c 'import http.server as h, socketserver as t; s = t.TCPServer(("0.0.0.0", 80), h.SimpleHTTPRequestHandler); print("ready", flush=True); s.serve_forever()' 2>/dev/null >ready &
trap "kill $!" EXIT
until [ -s ready ]; do sleep 0.05; done
${asks.join('\n')}
echo with the rule
${rule}
${asks.join('\n')}
true`;
    const python = join(ROOT, '.tools/python/bin/python');
    const { code, stdout, stderr } = await run('unshare', [
      '--net',
      'bash',
      '-c',
      body,
      '',
      await temporaryFolder(),
      python,
    ]);
    expect(code, stderr).toBe(0);
    const [before, after] = stdout.split('with the rule\n').map((part) => part.trimEnd().split('\n'));
    expect(before).toHaveLength(6);
    expect(after).toEqual(['0 169.254.169.254', '0 169.254.170.2', '1000 169.254.170.2', '1001 169.254.170.2']);
  },
);
