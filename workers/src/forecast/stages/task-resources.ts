import type { MachineType } from '../machines/price-table.ts';

/** Cores that a stage asks for: conf/base.config has the same figures, which a test compares. Pure. */

/** Components of a unit of ingest, as conf/base.config computes them, and the threads' share of units. */
const UNIT_COMPONENTS = 65_536;
const UNITS_PER_THREAD = 18;
const MOST_THREADS = 16;
const INDEX_COMPONENTS_PER_THREAD = 128e6;
const TRAINING_CORES = 32;
/** Usable share of a disk: lib/Resources.groovy. */
export const USABLE_DISK = 0.95;
const ID_BYTES = 32;

/** Returns the cores of a task of ingest. */
export function ingestCores(rows: number, dimension: number): number {
  return limited(Math.ceil(Math.sqrt((rows * dimension) / UNIT_COMPONENTS) / UNITS_PER_THREAD));
}

/** Returns the cores of a task that builds an index. @param isOnePass ivf-rq over the order of the rows */
export function indexCores(rows: number, dimension: number, isOnePass: boolean): number {
  return isOnePass ? limited(Math.ceil((rows * dimension) / INDEX_COMPONENTS_PER_THREAD)) : TRAINING_CORES;
}

export const SEARCH_CORES = 16;
export const MERGE_CORES = 4;

/** Returns the cores of a task that embeds. @param model `kmer` or a folder */
export function embedCores(model: string): number {
  return model === 'kmer' ? 1 : 8;
}

function limited(cores: number): number {
  return Math.max(1, Math.min(MOST_THREADS, cores));
}

/** Returns the bytes that building a bucket takes on its machine's disk: the shards, the sorted runs and the table. */
export function buildDiskBytes(
  rows: number,
  dimension: number,
  { shardBytes, tableBytes, isOrdered }: { shardBytes: number; tableBytes: number; isOrdered: boolean },
): number {
  const table = rows * (dimension * tableBytes + ID_BYTES);
  return rows * (dimension * shardBytes + ID_BYTES) + (isOrdered ? 2 : 1) * table;
}

/** How the tasks of a stage are placed on machines: as many on each as its cores and its disk allow. */
export interface Placement {
  /** Tasks at once on a machine. */
  perMachine: number;
  /** Tasks at once on all machines. */
  slots: number;
  /** The most that would be at once, if there were more tasks. */
  mostSlots: number;
}

/** Places tasks on machines. @param diskBytes of a task; 0 where its files are not on the machine's disk */
export function placeTasks(
  machine: MachineType,
  machines: number,
  tasks: number,
  cores: number,
  diskBytes = 0,
): Placement {
  const byCores = Math.max(1, Math.floor(machine.cpus / cores));
  const usable = machine.diskGB * 1e9 * USABLE_DISK;
  const byDisk = diskBytes > 0 ? Math.max(1, Math.floor(usable / diskBytes)) : byCores;
  const fitting = Math.max(1, Math.min(byCores, byDisk));
  const perMachine = Math.max(1, Math.min(fitting, tasks));
  const used = Math.max(1, Math.min(machines, Math.ceil(tasks / perMachine)));
  return { perMachine, slots: perMachine * used, mostSlots: fitting * machines };
}
