import { parallelismOf, type StageThreads, speedUp } from '../../workers/src/forecast/model/speed-up.ts';
import { digits, markdownTable, percent } from '../support/markdown.ts';

/** bench/results/threads.json */
export interface ThreadsResult {
  command: string;
  machine: string;
  date: string;
  rows: number;
  dimension: number;
  stages: StageThreads[];
}

/** Cores for which the speed-up is derived. */
const CORES = [2, 8, 32];

/** Returns the tables of docs/benchmarks.md by name. */
export function threadsTables({ stages, command, machine, date }: ThreadsResult): Record<string, string> {
  return { stages: `${threadsTable(stages)}\n\n\`${command}\`, ${machine}, ${date}.` };
}

/** Returns a row a stage: its CPU time, the shares of its threads, and the derived speed-up. */
export function threadsTable(stages: readonly StageThreads[]): string {
  const head = [
    ...['stage', 'CPU-seconds', 'seconds', 'main thread', 'busiest lone thread', 'threads that share the work'],
    ...['evenness', 'not covered', ...CORES.map((cores) => `on ${cores} cores`)],
  ];
  const rows = stages.map((stage) => {
    const measured = parallelismOf(stage);
    const { mainShare, lone, pool, uncoveredShare } = measured;
    return [
      stage.stage,
      digits(stage.cpuSeconds),
      digits(stage.seconds),
      tenths(mainShare),
      `${lone.name}, ${tenths(lone.share)}`,
      pool.threads === 0 ? '' : `${pool.threads} ${pool.name}, ${percent(pool.share)}`,
      pool.threads === 0 ? '' : percent(pool.evenness),
      tenths(uncoveredShare),
      ...CORES.map((cores) => `${speedUp(measured, cores).toFixed(1)}x`),
    ];
  });
  return markdownTable([head, ...rows]);
}

function tenths(share: number): string {
  return `${(share * 100).toFixed(1)}%`;
}
