import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { killTree } from '../../pipeline/support/kill.ts';
import { type Finished, finish, run } from '../../support/run.ts';

/** A podman with its own images and settings, apart from those of the machine. */
export interface Podman {
  /** Environment for programs that start this podman. */
  env: NodeJS.ProcessEnv;
  /** Runs podman. @throws where it fails, with its output */
  run(...args: string[]): Promise<Finished>;
  /** Ends all containers, so that the folder can be removed. */
  stop(): Promise<void>;
}

/** Sets up a podman whose images lie in a folder. */
export async function startPodman(folder: string): Promise<Podman> {
  await mkdir(folder, { recursive: true });
  const [storage, settings] = [join(folder, 'storage.conf'), join(folder, 'containers.conf')];
  await writeFile(
    storage,
    `[storage]\ndriver = "overlay"\ngraphroot = "${folder}/images"\nrunroot = "${folder}/run"\n`,
  );
  // Debian's podman needs limits that an unprivileged machine does not grant, and a service manager that may not run. Containers use the
  // machine's network: a bridge would need firewall rules.
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
    // The processes of a build keep running when only podman is ended.
    for (const { pid } of running) if (pid) await killTree(pid);
    await podman('rm', '--all', '--force', '--time', '0').finally(() => unmountBelow(folder));
  };
  return { env, run: podman, stop };
}

/** Unmounts the file systems of an interrupted build, which could not be removed otherwise. */
async function unmountBelow(folder: string): Promise<void> {
  const mounts = (await readFile('/proc/self/mounts', 'utf8')).split('\n').map((line) => line.split(' ')[1] ?? '');
  for (const path of mounts.reverse()) if (path.startsWith(`${folder}/`)) await run('umount', ['--lazy', path]);
}
