import { statfs } from 'node:fs/promises';
import { availableParallelism, totalmem } from 'node:os';
import { resolve } from 'node:path';
import { returnIfMissing } from '../../base/missing-files.ts';
import type { Cluster } from '../run-request.ts';
import { findMachine, LOCAL, type MachineType, type PriceTable } from './price-table.ts';

/** The first machine types of infra/lanceflow.yaml, and the vCPUs of its storage queue. */
const BATCH = { storage: 'i4i.8xlarge', light: 'm6id.4xlarge', storageCpus: 640 } as const;
/** Assumed of this machine: a solid-state disk, and a network that nobody else uses. */
const LOCAL_RATES = { diskBytesPerSecond: 1e9, networkGbps: 10 } as const;

export interface ClusterRequest {
  profile: string;
  machine: string | undefined;
  machines: number | undefined;
  /** Where tables are built, if it is a folder. */
  folder: string;
}

/** Returns whether the profiles of a run include AWS Batch, on which tasks copy their inputs from S3. */
export function isBatch(profile: string): boolean {
  return profile.split(',').includes('awsbatch');
}

/** Names the machine types of a run, by their stages. */
function machineNames({ profile, machine }: Pick<ClusterRequest, 'profile' | 'machine'>) {
  const onBatch = isBatch(profile);
  const name = machine ?? (onBatch ? BATCH.storage : LOCAL);
  return { machine: name, light: onBatch ? BATCH.light : name };
}

/**
 * Lists the machine types of a run whose prices are to be asked for; none of this machine.
 * @throws UsageError for an unknown machine type
 */
export function pricedMachines(
  request: Pick<ClusterRequest, 'profile' | 'machine'>,
  prices: PriceTable,
): readonly string[] {
  const { machine, light } = machineNames(request);
  if (machine !== LOCAL) findMachine(prices, machine);
  const isKnown = (name: string) => prices.machines.some((type) => type.name === name);
  return [...new Set([machine, light])].filter((name) => name !== LOCAL && isKnown(name));
}

/**
 * Returns the machines of a run: this one, or, with the profile awsbatch, those of the stack.
 * @throws UsageError for an unknown machine type
 */
export async function clusterOf(
  { profile, machine, machines, folder }: ClusterRequest,
  prices: PriceTable,
): Promise<Cluster> {
  const onBatch = isBatch(profile);
  const names = machineNames({ profile, machine });
  const type = names.machine === LOCAL ? await localMachine(folder) : findMachine(prices, names.machine);
  const light = names.light === names.machine ? undefined : prices.machines.find(({ name }) => name === names.light);
  return {
    ...{ machine: type, light: light ?? type, prices, copiesInputs: onBatch },
    machines: machines ?? (onBatch ? Math.max(1, Math.floor(BATCH.storageCpus / type.cpus)) : 1),
  };
}

/** Describes this machine. It has no price. */
async function localMachine(folder: string): Promise<MachineType> {
  const disk = await freeBytes(folder);
  return {
    ...{ name: LOCAL, cpus: availableParallelism(), memoryGiB: totalmem() / 2 ** 30, ...LOCAL_RATES },
    diskGB: disk / 1e9,
  };
}

/** Returns the free bytes of the file system of a folder that may not exist yet. */
async function freeBytes(folder: string): Promise<number> {
  for (let path = resolve(folder); ; path = resolve(path, '..')) {
    const found = await statfs(path).catch(returnIfMissing(undefined));
    if (found) return found.bavail * found.bsize;
    if (path === '/') return 0;
  }
}
