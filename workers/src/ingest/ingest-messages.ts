// Messages of ingest for users: the bucket, or the shard and row, the problem, and what to do. Single vectors: vectors/vector-check.ts.

import type { Column, ColumnType } from '../base/columns/column-type.ts';
import { DataError } from '../base/errors.ts';
import { counted } from '../base/text/counted.ts';
import type { PlanSource } from '../database/catalog/bucket-plan.ts';
import type { Metric } from '../vectors/metric.ts';

function changedShard(path: string, problem: string): DataError {
  return new DataError(`${path}: ${problem}. The shard has changed since it was planned; plan again.`);
}

export function otherDimension({ path }: PlanSource, dimension: number, planned: number): DataError {
  return changedShard(path, `vectors of ${counted(dimension, 'component')}; the plan says ${planned}`);
}

export function otherRowCount({ path, rows: planned }: PlanSource, rows: number): DataError {
  return changedShard(path, `${counted(rows, 'row')}; the plan says ${planned}`);
}

export function otherVectorType({ path, vectorType: planned }: PlanSource, vectorType: string): DataError {
  return changedShard(path, `vectors of ${vectorType}; the plan says ${planned}`);
}

export function changedColumn({ path }: PlanSource, name: string, planned: ColumnType): DataError {
  return changedShard(path, `its column "${name}" is missing, or is not the ${planned} of the plan`);
}

/** @param other a shard with another type of the same column */
export function otherColumnType(
  path: string,
  { name, type }: Column,
  other: { path: string; type: ColumnType },
): DataError {
  return new DataError(
    `${path}: the column "${name}" is ${type}, but ${other.type} in ${other.path}. ` +
      'Write one type in all shards, or leave the column out with --keep.',
  );
}

/** Where the content hash differs. */
export function otherRows({ path }: PlanSource): DataError {
  return changedShard(path, 'its rows are not those of the plan');
}

/** @param bad row and problem, a sentence */
export function unusableVector(path: string, bad: string): DataError {
  return new DataError(`${path}: ${bad}.`);
}

export function bucketOfOtherShards(uri: string, bucket: string): DataError {
  return new DataError(`${uri}: ${bucket} is there already, with other shards. Plan again with --database.`);
}

export function bucketOfOtherPlan(uri: string, bucket: string): DataError {
  return new DataError(`${uri}: ${bucket} is planned by another build, with other shards. Plan again with --database.`);
}

export function otherMetric(
  uri: string,
  bucket: string,
  metric: Metric,
  other: { bucket: string; metric: Metric },
): DataError {
  return new DataError(
    `${uri}: ${other.bucket} is built for ${other.metric} distance, so ${bucket} cannot be for ${metric}. ` +
      `Use --metric ${other.metric}, or another database.`,
  );
}
