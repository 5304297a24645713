/** Combines the measurements into estimates of large buckets. Pure. */
import { divisionOf, type StageThreads } from '../threads/speed-up.ts';
import { type BucketBytes, type BuildWork, buildPhases, type PhaseTime, phaseTime } from './bucket-time.ts';
import type { ScaleInputs } from './inputs.ts';
import type { Machine } from './machine.ts';
import { cpuSecondsOf, growthOf, parallelShare } from './model.ts';
import { unitCpuSeconds, unitTerms } from './unit-terms.ts';

/** The default bucket, and the one whose units are measured. */
export const BUCKET_ROWS = 200e6;
export const ALL_ROWS = 3.5e9;

/** Options of a build: its measured steps, and the kind of table that it writes. */
export interface Build {
  name: string;
  steps: { ingest: string; index: string };
  table: string;
  shardComponentBytes: number;
}

export const BUILDS: readonly Build[] = [
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

export interface BucketEstimate {
  phases: PhaseTime[];
  cpuSeconds: number;
  tableBytesPerRow: number;
}

/** Estimates one bucket on a machine. */
export function estimateBucket(inputs: ScaleInputs, machine: Machine, rows: number, build: Build): BucketEstimate {
  const bytes = bytesOf(inputs, rows, build);
  const work = workOf(inputs, rows, build);
  const phases = buildPhases(bytes, work);
  return {
    phases: phases.map((phase) => phaseTime(phase, machine)),
    cpuSeconds: phases.reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0),
    tableBytesPerRow: bytes.vector + bytes.rest,
  };
}

function bytesOf({ scale: { dimension, bytesPerVector } }: ScaleInputs, rows: number, build: Build): BucketBytes {
  const vector = vectorBytes(build.table, dimension);
  return {
    ...{ rows, vector, shard: dimension * build.shardComponentBytes },
    rest: bytesPerVector[build.table]! - vector,
  };
}

/** Returns the bytes of a vector in a kind of table. */
export function vectorBytes(table: string, dimension: number): number {
  return dimension * (table.includes('float16') ? 2 : 4);
}

function workOf({ scale, threads }: ScaleInputs, rows: number, { steps }: Build): BuildWork {
  const terms = unitTerms(scale.units);
  const stageOf = (name: string) => threads.stages.find(({ stage }) => stage === name);
  const start = stageOf('start (catalog)')!;
  const cpuSeconds = (step: string, stage: string) =>
    cpuSecondsOf(growthOf(scale, step), rows) + unitCpuSeconds(terms, stage, rows, BUCKET_ROWS);
  // LanceDB's training has no thread names: its parallel share follows from the cores that it kept busy.
  const trained = parallelShare(scale.steps[steps.index]!.at(-1)!, scale.cores);
  const moved = [stageOf('publish'), stageOf('fetch')].filter((stage): stage is StageThreads => stage !== undefined);
  const movedBytes = moved.length * threads.rows * threads.dimension * 4;
  const movedCpuSeconds = moved.reduce((sum, stage) => sum + Math.max(0, stage.cpuSeconds - start.cpuSeconds), 0);
  return {
    ingest: {
      cpuSeconds: cpuSeconds(steps.ingest, 'ingest'),
      division: divisionOf(stageOf('ingest')!, start),
    },
    index: {
      cpuSeconds: cpuSeconds(steps.index, 'index'),
      division:
        steps.index === 'index-rq' ? divisionOf(stageOf('index')!, start) : { loneShare: 1 - trained, evenness: 1 },
    },
    transferCpuSecondsPerByte: movedBytes === 0 ? 0 : movedCpuSeconds / movedBytes,
    isOrdered: steps.ingest === 'ingest',
  };
}
