/** Derives the speed-up of a stage on more cores from the CPU time of its threads: docs/benchmarks.md explains the formula. */

/** CPU time of one thread, by the kernel's accounting. */
export interface ThreadTime {
  /** Set by the thread: what it does. */
  name: string;
  isMain: boolean;
  cpuSeconds: number;
}

/** Threads of one name, which do the same work. */
export interface ThreadGroup {
  name: string;
  isMain: boolean;
  /** Threads that worked. */
  threads: number;
  cpuSeconds: number;
  busiestCpuSeconds: number;
}

/** A stage, its time, and that of its threads. */
export interface StageThreads {
  stage: string;
  seconds: number;
  /** Of the process, at its end: more than its threads' together, as short threads are not seen. */
  cpuSeconds: number;
  groups: ThreadGroup[];
}

export interface Parallelism {
  /** Share of the main thread in the process's CPU time. */
  mainShare: number;
  /** The busiest thread that does its work alone, and its share. */
  lone: { name: string; share: number };
  /** Threads of the group that does most of the work, and their mean CPU time, divided by that of the busiest. */
  pool: { name: string; threads: number; share: number; evenness: number };
  /** Share of the CPU time that was not seen by thread. */
  uncoveredShare: number;
}

/** A thread with less than this share of the busiest of its name did none of their work: it has the name of the thread that started it. */
const WORKING_SHARE = 0.05;

/** Groups threads by name, the busiest group first. */
export function groupThreads(threads: readonly ThreadTime[]): ThreadGroup[] {
  const named = new Map<string, ThreadTime[]>();
  for (const thread of threads) {
    const key = `${thread.isMain} ${thread.name}`;
    named.set(key, [...(named.get(key) ?? []), thread]);
  }
  const groups = [...named.values()].map((members) => {
    const busiest = Math.max(...members.map(({ cpuSeconds }) => cpuSeconds));
    return {
      name: members[0]!.name,
      isMain: members[0]!.isMain,
      threads: members.filter(({ cpuSeconds }) => cpuSeconds > 0 && cpuSeconds >= WORKING_SHARE * busiest).length,
      cpuSeconds: members.reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0),
      busiestCpuSeconds: busiest,
    };
  });
  return groups.filter(({ threads: count }) => count > 0).sort((a, b) => b.cpuSeconds - a.cpuSeconds);
}

/** Returns how a stage's work is divided among its threads. */
export function parallelismOf({ cpuSeconds, groups }: StageThreads): Parallelism {
  const shareOf = (seconds: number) => seconds / cpuSeconds;
  const main = groups.find(({ isMain }) => isMain);
  const [lone] = groups
    .filter(({ isMain, threads }) => isMain || threads === 1)
    .sort((a, b) => b.busiestCpuSeconds - a.busiestCpuSeconds);
  const [pool] = groups.filter(({ isMain, threads }) => !isMain && threads > 1);
  const seen = groups.reduce((sum, group) => sum + group.cpuSeconds, 0);
  return {
    mainShare: shareOf(main?.cpuSeconds ?? 0),
    lone: { name: lone?.isMain ? 'main' : (lone?.name ?? ''), share: shareOf(lone?.busiestCpuSeconds ?? 0) },
    pool: {
      name: pool?.name ?? '',
      threads: pool?.threads ?? 0,
      share: shareOf(pool?.cpuSeconds ?? 0),
      // Threads that did not work count in the time, but not in the number.
      evenness: pool ? Math.min(1, pool.cpuSeconds / pool.threads / pool.busiestCpuSeconds) : 1,
    },
    uncoveredShare: Math.max(0, 1 - shareOf(seen)),
  };
}

/** How CPU time is divided among threads: of a large bucket, where a process's start does not matter. */
export interface Division {
  /** Share of the busiest lone thread. */
  loneShare: number;
  /** Of the threads that share the rest: see Parallelism. */
  evenness: number;
}

export const EVEN: Division = { loneShare: 0, evenness: 1 };

/** Returns how a stage's work is divided, without that of starting a process. @param start of a process that does nothing else */
export function divisionOf(stage: StageThreads, start: StageThreads): Division {
  const startSeconds = ({ name, isMain }: ThreadGroup) =>
    start.groups.find((group) => group.name === name && group.isMain === isMain)?.cpuSeconds ?? 0;
  const lone = stage.groups
    .filter(({ isMain, threads }) => isMain || threads === 1)
    .map((group) => group.busiestCpuSeconds - startSeconds(group));
  const work = Math.max(1e-3, stage.cpuSeconds - start.cpuSeconds);
  return {
    loneShare: Math.min(1, Math.max(0, ...lone) / work),
    evenness: parallelismOf(stage).pool.evenness,
  };
}

/** Returns the seconds of computing on a number of cores, by Amdahl's law. */
export function computingSeconds(cpuSeconds: number, { loneShare, evenness }: Division, cores: number): number {
  return cpuSeconds * (loneShare + (1 - loneShare) / Math.max(1, cores * evenness));
}

/**
 * Returns how many times faster a stage is on some cores than on one, by Amdahl's law: the lone thread's share s is done by one
 * core; the rest by all, as evenly (e) as by the threads that were measured. 1 / (s + (1 - s) / (cores e)), at least 1.
 */
export function speedUp({ lone, pool }: Parallelism, cores: number): number {
  return 1 / computingSeconds(1, { loneShare: lone.share, evenness: pool.evenness }, cores);
}
