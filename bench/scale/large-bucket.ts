/** The buckets and builds of docs/scale.md, estimated by the model of `workers/src/forecast/`. */
import {
  type BucketEstimate,
  type Build,
  type BuildRates,
  estimateBucket as estimate,
} from '../../workers/src/forecast/model/bucket-estimate.ts';
import { growthOf, parallelShare } from '../../workers/src/forecast/model/growth.ts';
import type { Machine } from '../../workers/src/forecast/model/model-machine.ts';
import { divisionOf, type StageThreads } from '../../workers/src/forecast/model/speed-up.ts';
import { unitCpuSeconds, unitTerms } from '../../workers/src/forecast/model/unit-terms.ts';
import type { ScaleInputs } from './inputs.ts';

export { vectorBytes } from '../../workers/src/forecast/model/bucket-estimate.ts';

/** The default bucket, and the one whose units are measured. */
export const BUCKET_ROWS = 200e6;
export const ALL_ROWS = 3.5e9;

export interface NamedBuild extends Build {
  name: string;
}

export const BUILDS: readonly NamedBuild[] = [
  {
    name: 'default (`ivf-rq` over the order)',
    steps: { ingest: 'ingest', index: 'index-rq' },
    table: 'ivf-rq',
    shardComponentBytes: 4,
  },
  {
    name: 'the same, float16 in shards and table',
    steps: { ingest: 'ingest', index: 'index-rq' },
    table: 'ivf-rq, float16',
    shardComponentBytes: 2,
  },
  {
    name: '`--order none --index ivf-pq`',
    steps: { ingest: 'ingest-unordered', index: 'index-pq' },
    table: 'ivf-pq',
    shardComponentBytes: 4,
  },
];

/** Estimates one bucket on a machine. */
export function estimateBucket(inputs: ScaleInputs, machine: Machine, rows: number, build: Build): BucketEstimate {
  return estimate(buildRatesOf(inputs), machine, rows, build);
}

/** Derives the rates of building from the measurements. */
export function buildRatesOf({ scale, threads }: ScaleInputs): BuildRates {
  const terms = unitTerms(scale.units);
  const stageOf = (name: string) => threads.stages.find(({ stage }) => stage === name);
  const start = stageOf('start (catalog)')!;
  const moved = [stageOf('publish'), stageOf('fetch')].filter((stage): stage is StageThreads => stage !== undefined);
  const movedBytes = moved.length * threads.rows * threads.dimension * 4;
  const movedCpuSeconds = moved.reduce((sum, stage) => sum + Math.max(0, stage.cpuSeconds - start.cpuSeconds), 0);
  const steps = Object.keys(scale.steps).map((step) => {
    const stage = step.startsWith('ingest') ? 'ingest' : 'index';
    const { assign: _, ...growth } = growthOf(scale, step);
    // LanceDB's training has no thread names: its parallel share follows from the cores that it kept busy.
    const trained = parallelShare(scale.steps[step]!.at(-1)!, scale.cores);
    const division = step === 'index-pq' ? { loneShare: 1 - trained, evenness: 1 } : divisionOf(stageOf(stage)!, start);
    const unitSeconds = unitCpuSeconds(terms, stage, BUCKET_ROWS, BUCKET_ROWS);
    const fixedShare = fixedShareOf(scale, growth.perRow, stage, start.cpuSeconds);
    return [
      step,
      { ...growth, division, assigns: step === 'ingest', unitCpuSeconds: unitSeconds, fixedShare },
    ] as const;
  });
  const clustered = scale.assignment.filter(({ kind }) => kind === 'clustered');
  const rest = Object.entries(scale.bytesPerVector).map(([table, bytes]) => [
    table,
    bytes - scale.dimension * (table.includes('float16') ? 2 : 4),
  ]);
  return {
    ...{ dimension: scale.dimension, unitRows: BUCKET_ROWS },
    steps: Object.fromEntries(steps),
    assignment: clustered.map(({ partitions, cpuSeconds }) => ({ partitions, cpuSeconds })),
    transferCpuSecondsPerByte: movedBytes === 0 ? 0 : movedCpuSeconds / movedBytes,
    restBytes: Object.fromEntries(rest),
  };
}

/** Derives the share of a row's time that does not depend on its components, from the short vectors whose units are measured. */
function fixedShareOf(
  { units, dimension }: ScaleInputs['scale'],
  perRow: number,
  stage: string,
  start: number,
): number {
  const share = Math.max(0, units.few.stages[stage]!.cpuSeconds - start) / units.rows / perRow;
  const size = units.dimension / dimension;
  return Math.min(1, Math.max(0, (share - size) / (1 - size)));
}
