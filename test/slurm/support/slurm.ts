import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, open, readFile, writeFile } from 'node:fs/promises';
import { hostname, userInfo } from 'node:os';
import { join } from 'node:path';
import { run } from '../../support/run.ts';
import { freePort } from '../../support/s3-server.ts';
import { waitUntil } from '../../support/wait.ts';

/** A Slurm cluster with this machine as its node, and its own settings, keys and state, apart from the system's. */
export interface Slurm {
  /** Environment in which `sbatch`, `squeue` and others use this cluster. */
  env: Record<string, string>;
  /** Runs a command of Slurm. @returns its output @throws where it fails */
  run(program: string, ...args: string[]): Promise<string>;
  /** Lists the waiting and running jobs. */
  jobs(): Promise<Job[]>;
  /** Cancels all jobs and ends the daemons. */
  stop(): Promise<void>;
}

export interface Job {
  id: string;
  name: string;
  /** `PD`: pending, `R`: running, `CG`: completing. */
  state: string;
}

const NODE = 'node';

/** Starts munge, slurmctld and slurmd with all their files in a folder. The caller must stop them. */
export async function startSlurm(folder: string): Promise<Slurm> {
  for (const name of ['munge', 'state', 'spool']) await mkdir(join(folder, name), { recursive: true, mode: 0o700 });
  const [key, socket, settings] = [join(folder, 'munge/key'), join(folder, 'munge/socket'), join(folder, 'slurm.conf')];
  await writeFile(key, randomBytes(1024), { mode: 0o400 });
  await writeFile(settings, await slurmConf(folder, socket));
  const env = { SLURM_CONF: settings };

  const daemons: ChildProcess[] = [];
  const kill = () => void daemons.map((child) => child.kill('SIGKILL'));
  // The daemons must not outlive these tests, however they end.
  process.once('exit', kill);
  const start = async (program: string, ...args: string[]) => {
    const log = await open(join(folder, `${program}.out`), 'w');
    const stdio: ['ignore', number, number] = ['ignore', log.fd, log.fd];
    daemons.push(spawn(program, args, { stdio, env: { ...process.env, ...env }, cwd: folder }));
    await log.close();
  };
  const command = async (program: string, ...args: string[]) => {
    const { code, stdout, stderr } = await run(program, args, { env: { ...process.env, ...env } });
    if (code !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${code}:\n${stderr}`);
    return stdout;
  };
  const jobs = async () =>
    (await command('squeue', '--noheader', '--format=%i %t %j')).split('\n').flatMap((line): Job[] => {
      const [, id, state, name] = /^(\d+) (\w+) (.*)$/.exec(line) ?? [];
      return id ? [{ id, state: state!, name: name! }] : [];
    });
  const stop = async () => {
    process.off('exit', kill);
    await command('scancel', `--user=${userInfo().username}`).catch(() => {});
    await waitUntil('no job is left', async () => (await jobs()).length === 0, { limitMs: 30_000 }).catch(() => {});
    for (const child of daemons.reverse()) await end(child);
  };

  try {
    // --force, because munged checks the permissions of /tmp above the key.
    const files = ['pid', 'log', 'seed'].map((name) => `--${name}-file=${join(folder, 'munge', name)}`);
    await start('munged', '--foreground', '--force', `--key-file=${key}`, `--socket=${socket}`, ...files);
    await started('munged', () => command('munge', '--no-input', `--socket=${socket}`).then(() => true));
    await start('slurmctld', '-D');
    await started('slurmctld', () => command('scontrol', 'ping').then((text) => text.includes('is UP')));
    await start('slurmd', '-D', '-N', NODE);
    await started('slurmd', () => command('sinfo', '--noheader', '--format=%t').then((text) => text.trim() === 'idle'));
  } catch (error) {
    await stop();
    const logs = ['munged', 'slurmctld', 'slurmd'].map((name) =>
      readFile(join(folder, `${name}.out`), 'utf8').catch(() => ''),
    );
    throw new Error(`Slurm does not start: ${error}\n${(await Promise.all(logs)).join('\n')}`);
  }
  return { env, run: command, jobs, stop };
}

/** Waits until a daemon answers; the commands fail before. */
function started(daemon: string, answers: () => Promise<boolean>): Promise<boolean> {
  let last: unknown = '';
  const look = () =>
    answers().catch((error: unknown) => {
      last = error;
      return false;
    });
  return waitUntil(`${daemon} answers`, look, { state: () => `${last}`, everyMs: 100 });
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), 10_000);
  await ended;
  clearTimeout(timer);
}

async function slurmConf(folder: string, socket: string): Promise<string> {
  const host = hostname().split('.')[0];
  const user = userInfo().username;
  return `
ClusterName=lanceflow
SlurmctldHost=${host}(127.0.0.1)
SlurmctldPort=${await freePort()}
SlurmdPort=${await freePort()}
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
SlurmUser=${user}
SlurmdUser=${user}
AuthType=auth/munge
AuthInfo=socket=${socket}
CredType=cred/munge
StateSaveLocation=${folder}/state
SlurmdSpoolDir=${folder}/spool
SlurmctldPidFile=${folder}/slurmctld.pid
SlurmdPidFile=${folder}/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
JobCompType=jobcomp/none
SchedulerParameters=sched_interval=1,batch_sched_delay=0
ReturnToService=2
KillWait=5
NodeName=${NODE} NodeHostname=${host} NodeAddr=127.0.0.1 CPUs=2 RealMemory=4096
PartitionName=main Nodes=${NODE} Default=YES MaxTime=INFINITE State=UP
`;
}
