/** Estimates one bucket from the rates of small ones: docs/scale.md. Pure. */
import { type BucketBytes, type BuildWork, buildPhases, type PhaseTime, phaseTime } from './bucket-time.ts';
import { type AssignmentPoint, assignCpuSeconds, cpuSecondsOf, type GrowthTerms } from './growth.ts';
import type { Machine } from './model-machine.ts';
import type { Division } from './speed-up.ts';

/** Rates of a step of building, for vectors of `BuildRates.dimension` components. */
export interface StepRates extends GrowthTerms {
  division: Division;
  /** Whether rows are assigned to partitions, which `BuildRates.assignment` has. */
  assigns: boolean;
  /** CPU-seconds of the fragments and files of a bucket of `BuildRates.unitRows`; they grow with the root of the rows. */
  unitCpuSeconds: number;
  /** Share of a row's CPU time that does not grow with its components. */
  fixedShare: number;
}

/** What is measured on small tables. */
export interface BuildRates {
  dimension: number;
  unitRows: number;
  steps: Record<string, StepRates>;
  assignment: readonly AssignmentPoint[];
  /** Of each byte that is sent or received. */
  transferCpuSecondsPerByte: number;
  /** Bytes a row besides its vector, by kind of table: its codes, id and order. */
  restBytes: Record<string, number>;
}

/** Options of a build: its measured steps, and the kind of table that it writes. */
export interface Build {
  steps: { ingest: string; index: string };
  table: string;
  shardComponentBytes: number;
}

export interface BucketEstimate {
  phases: PhaseTime[];
  cpuSeconds: number;
  bytes: BucketBytes;
}

/** Estimates one bucket on a machine. @param dimension default: the measured one */
export function estimateBucket(
  rates: BuildRates,
  machine: Machine,
  rows: number,
  build: Build,
  dimension: number = rates.dimension,
): BucketEstimate {
  const vector = vectorBytes(build.table, dimension);
  const rest = (rates.restBytes[build.table]! * dimension) / rates.dimension;
  const bytes = { rows, vector, shard: dimension * build.shardComponentBytes, rest };
  const phases = buildPhases(bytes, workOf(rates, rows, build, dimension));
  return {
    phases: phases.map((phase) => phaseTime(phase, machine)),
    cpuSeconds: phases.reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0),
    bytes,
  };
}

/** Returns the bytes of a vector in a kind of table. */
export function vectorBytes(table: string, dimension: number): number {
  return dimension * (table.includes('float16') ? 2 : 4);
}

/** Returns the CPU-seconds of a step of building a bucket, without starting a process. */
export function stepCpuSeconds(rates: BuildRates, step: string, rows: number, dimension: number): number {
  const { unitCpuSeconds, assigns, fixedShare, ...growth } = rates.steps[step]!;
  const assigned = assigns ? assignCpuSeconds(rates.assignment, rows) : 0;
  const size = fixedShare + (1 - fixedShare) * (dimension / rates.dimension);
  return (
    (cpuSecondsOf({ ...growth, assign: () => assigned }, rows) - growth.fixed) * size +
    growth.fixed +
    unitCpuSeconds * Math.sqrt(rows / rates.unitRows)
  );
}

function workOf(rates: BuildRates, rows: number, { steps }: Build, dimension: number): BuildWork {
  const workIn = (step: string) => ({
    cpuSeconds: stepCpuSeconds(rates, step, rows, dimension),
    division: rates.steps[step]!.division,
  });
  return {
    ingest: workIn(steps.ingest),
    index: workIn(steps.index),
    transferCpuSecondsPerByte: rates.transferCpuSecondsPerByte,
    isOrdered: rates.steps[steps.ingest]!.assigns,
  };
}
