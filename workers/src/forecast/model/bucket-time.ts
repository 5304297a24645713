/** Derives how long a machine takes for one bucket, with its cores, its disks and its network as limits. Pure; see docs/scale.md. */

import type { Machine } from './model-machine.ts';
import { computingSeconds, type Division, EVEN } from './speed-up.ts';

/**
 * Phases that share the machine's time: publishing begins with the first finished file (`publishEarly` of
 * workers/src/database/table-publisher.ts). All other phases follow each other.
 */
export const OVERLAPPING: readonly (readonly string[])[] = [
  ['ingest', 'publish the table'],
  ['index', 'publish the index'],
];

/** Work that is done before other work begins, except where `OVERLAPPING` says otherwise. */
export interface Phase {
  name: string;
  cpuSeconds: number;
  division: Division;
  /** Read and written. */
  diskBytes: number;
  /** Fetched and published. */
  networkBytes: number;
}

/** Seconds that each resource is busy; the longest is the phase's time. */
export interface PhaseTime {
  name: string;
  cores: number;
  disk: number;
  network: number;
  seconds: number;
  cpuSeconds: number;
}

/** Returns the seconds that a phase keeps each resource of a machine busy. */
export function phaseTime({ name, cpuSeconds, division, diskBytes, networkBytes }: Phase, machine: Machine): PhaseTime {
  const cores = computingSeconds(cpuSeconds, division, machine.cores);
  const disk = diskBytes / machine.diskBytesPerSecond;
  const network = networkBytes / machine.networkBytesPerSecond;
  return { name, cores, disk, network, seconds: Math.max(cores, disk, network), cpuSeconds };
}

/** Sizes of a bucket, in bytes a row. */
export interface BucketBytes {
  rows: number;
  /** Of a shard's row. */
  shard: number;
  /** Of a row's vector in the table, which is also what a run has. */
  vector: number;
  /** Of the index, the id and the order. */
  rest: number;
}

/** CPU-seconds of building a bucket, and their division. */
export interface BuildWork {
  ingest: { cpuSeconds: number; division: Division };
  index: { cpuSeconds: number; division: Division };
  /** Of each byte that is sent or received. */
  transferCpuSecondsPerByte: number;
  isOrdered: boolean;
}

/**
 * Returns the phases of building a bucket on a machine with empty disks: fetching shards, ingest, publishing the table, index,
 * publishing the index.
 * Ingest reads the shards, writes and reads runs, and writes the table; nothing is assumed to stay in the page cache.
 */
export function buildPhases({ rows, shard, vector, rest }: BucketBytes, work: BuildWork): Phase[] {
  const [shards, vectors, table] = [shard * rows, vector * rows, (vector + rest) * rows];
  const transfer = (name: string, bytes: number): Phase => ({
    name,
    ...{ cpuSeconds: bytes * work.transferCpuSecondsPerByte, division: EVEN, diskBytes: bytes, networkBytes: bytes },
  });
  const runs = work.isOrdered ? 2 * vectors : 0;
  return [
    transfer('fetch shards', shards),
    { name: 'ingest', ...work.ingest, diskBytes: shards + runs + vectors, networkBytes: 0 },
    transfer('publish the table', vectors),
    { name: 'index', ...work.index, diskBytes: table, networkBytes: 0 },
    transfer('publish the index', table - vectors),
  ];
}

/**
 * Returns the seconds of a bucket: of phases in turn, of which those of a group take as long as their busiest resource; and the
 * limit of overlapping all phases.
 * @param overlapping groups of phases, by name
 */
export function bucketSeconds(
  times: readonly PhaseTime[],
  overlapping: readonly (readonly string[])[] = OVERLAPPING,
): { seconds: number; overlapped: number } {
  const groups = overlapping.map((names) => times.filter(({ name }) => names.includes(name)));
  const alone = times.filter(({ name }) => !overlapping.flat().includes(name));
  const sum = (seconds: readonly number[]) => seconds.reduce((total, one) => total + one, 0);
  return { seconds: sum([...alone.map(({ seconds }) => seconds), ...groups.map(busiest)]), overlapped: busiest(times) };
}

/** Returns the seconds of the resource that phases keep busy for the longest. */
function busiest(times: readonly PhaseTime[]): number {
  const resources = ['cores', 'disk', 'network'] as const;
  return Math.max(...resources.map((resource) => times.reduce((sum, time) => sum + time[resource], 0)));
}
