import type { BuildRates } from '../model/bucket-estimate.ts';
import type { SearchRates } from '../model/search-rates.ts';
import checkedIn from './rates.json' with { type: 'json' };

/** CPU-seconds of a task: fixed, and of each row, residue, ... that it has. */
export interface LinearRate {
  fixed: number;
  per: Readonly<Record<string, number>>;
  /** Cores that it keeps busy on the measured machine, or fewer where it has fewer. */
  busyCores: number;
}

/** A share of the partitions to probe, and the recall that it reached. */
export interface RecallPoint {
  share: number;
  recall: number;
}

/** All rates that a plan needs, as measured on small data. `npm run bench -- plan --rates` derives them from bench/results/. */
export interface RunRates {
  /** The machine and the day. */
  from: string;
  build: BuildRates;
  commands: Readonly<Record<string, LinearRate>>;
  /** Floating-point operations a second and core, of a model's encoder. */
  modelFlopsPerCoreSecond: number;
  /** Of what the machine reaches in products of float32 alone. */
  modelShareOfProducts: number;
  /** Of all cores of the measured machine, with vectors of `build.dimension` components: search/plan/calibrate.ts. */
  search: SearchRates & { cores: number };
  /** Bytes of small outputs, apart from vectors and texts. */
  bytes: Readonly<
    Record<
      | 'hit'
      | 'hitFile'
      | 'neighbour'
      | 'neighbourFile'
      | 'shardFile'
      | 'shardRow'
      | 'tableRow'
      | 'sequenceByteInShard'
      | 'sequenceByteInTable',
      number
    >
  >;
  /** Nextflow: seconds of starting and ending a run, between two stages, of starting a task, and of each file that a task gets. */
  head: { runSeconds: number; stageSeconds: number; taskSeconds: number; fileSeconds: number };
  /** By k, smallest share first. */
  recall: readonly { k: number; points: readonly RecallPoint[] }[];
}

export const MEASURED: RunRates = checkedIn;

/** Returns the CPU-seconds of a task. @param amounts by the names of the rate's terms */
export function cpuSecondsAt({ fixed, per }: LinearRate, amounts: Readonly<Record<string, number>>): number {
  return Object.entries(per).reduce((sum, [term, cost]) => sum + cost * (amounts[term] ?? 0), fixed);
}

/** Returns the wall seconds of a task on a number of cores. */
export function wallSeconds(cpuSeconds: number, { busyCores }: Pick<LinearRate, 'busyCores'>, cores: number): number {
  return cpuSeconds / Math.max(0.1, Math.min(busyCores, cores));
}

/** Returns the share of the partitions that reaches a recall, interpolated within what was measured at the nearest k. */
export function shareForRecall({ recall: measured }: RunRates, k: number, wanted: number): number {
  const distance = (one: { k: number }) => Math.abs(Math.log(one.k / k));
  const { points } = [...measured].sort((a, b) => distance(a) - distance(b))[0]!;
  const above = points.findIndex(({ recall }) => recall >= wanted);
  if (above === 0) return points[0]!.share;
  if (above < 0) return points.at(-1)!.share;
  const [low, high] = [points[above - 1]!, points[above]!];
  return low.share + ((wanted - low.recall) / (high.recall - low.recall)) * (high.share - low.share);
}

/** Returns the measured rates of comparing vectors for another machine and dimension. */
export function searchRatesFor(
  { search: { cores: measured, ...rates }, build }: RunRates,
  cores: number,
  dimension: number,
): SearchRates {
  const [speed, size] = [cores / measured, dimension / build.dimension];
  return {
    flopsPerSecond: rates.flopsPerSecond * speed,
    fewFlopsPerSecond: rates.fewFlopsPerSecond * speed,
    rowSeconds: (rates.rowSeconds * size) / speed,
    fewRowSeconds: (rates.fewRowSeconds * size) / speed,
    queryBlockSeconds: (rates.queryBlockSeconds * size) / speed,
    distanceSeconds: (rates.distanceSeconds * size) / speed,
  };
}
