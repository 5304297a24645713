import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { killTree } from '../../pipeline/support/kill.ts';
import { type Finished, finish, run } from '../../support/run.ts';

/** Podman with images and settings of its own: nothing of the machine's is used or changed. */
export interface Podman {
  /** The environment in which `podman` is this one, for programs that start it. */
  env: NodeJS.ProcessEnv;
  /** Runs podman. @throws where it fails, with all that it printed */
  run(...args: string[]): Promise<Finished>;
  /** Ends all that runs, so that the folder can be removed. */
  stop(): Promise<void>;
}

/** Podman whose images lie in a folder. */
export async function startPodman(folder: string): Promise<Podman> {
  await mkdir(folder, { recursive: true });
  const [storage, settings] = [join(folder, 'storage.conf'), join(folder, 'containers.conf')];
  await writeFile(
    storage,
    `[storage]\ndriver = "overlay"\ngraphroot = "${folder}/images"\nrunroot = "${folder}/run"\n`,
  );
  // Debian's podman asks for limits that an unprivileged machine does not grant, and for a service manager that may
  // not run. The machine's network as it is: a bridge would need rules in its firewall.
  await writeFile(
    settings,
    `[containers]\ndefault_ulimits = ["nofile=20000:20000", "nproc=32768:32768"]\nnetns = "host"\n` +
      `[engine]\nruntime = "runc"\ncgroup_manager = "cgroupfs"\nevents_logger = "none"\n`,
  );
  const env = { CONTAINERS_STORAGE_CONF: storage, CONTAINERS_CONF: settings };
  const running = new Set<ChildProcess>();
  const podman = async (...args: string[]) => {
    const child = spawn('podman', args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } });
    running.add(child);
    const finished = await finish(child).finally(() => running.delete(child));
    if (finished.code !== 0)
      throw new Error(`podman ${args.join(' ')} ended with ${finished.code}:\n${finished.stdout}\n${finished.stderr}`);
    return finished;
  };
  const stop = async () => {
    // What a build runs in its containers goes on when podman alone is ended.
    for (const { pid } of running) if (pid) await killTree(pid);
    await podman('rm', '--all', '--force', '--time', '0').finally(() => unmountBelow(folder));
  };
  return { env, run: podman, stop };
}

/** A build that was cut off leaves its file systems mounted, which nothing can then remove. */
async function unmountBelow(folder: string): Promise<void> {
  const mounts = (await readFile('/proc/self/mounts', 'utf8')).split('\n').map((line) => line.split(' ')[1] ?? '');
  for (const path of mounts.reverse()) if (path.startsWith(`${folder}/`)) await run('umount', ['--lazy', path]);
}
