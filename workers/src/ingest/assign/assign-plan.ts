import { commonCentre } from '../../vectors/centre.ts';
import { type Centroids, isSpherical } from '../../vectors/kmeans.ts';
import type { Metric } from '../../vectors/metric.ts';
import { type ColumnBlocks, cutIntoBlocks, encodeColumns, padded } from './column-blocks.ts';

/** How rows are compared with centroids. Posted to other threads, it shares its memory with them. */
export interface AssignPlan {
  /** Of the rows; their codes are padded to `width`. */
  dimension: number;
  width: number;
  /** Rows are scaled to unit length first. */
  unit: boolean;
  /** float32 [width], subtracted from rows and centroids: what centroids have in common takes up no digits of their codes. */
  centre: Float32Array;
  /** The centroids, group by group. */
  columns: ColumnBlocks;
  /** First block of each group, and in the end the number of blocks. A plan without `groups` has one group. */
  firstBlocks: Int32Array;
  groups?: GroupLevel;
}

/** A row is compared only with the centroids of its nearest groups. */
export interface GroupLevel {
  /** The means of the groups' centroids, one block. */
  columns: ColumnBlocks;
  /** Groups whose score is within slack * (row length + base) of the best are compared. */
  slack: number;
  base: number;
}

/** Centroids less what they have in common. */
export interface CentredCentroids extends Centroids {
  centre: Float32Array;
}

export function subtractCentre(centroids: Centroids): CentredCentroids {
  const { count, dimension } = centroids;
  const centre = commonCentre(centroids);
  const vectors = centroids.vectors.slice();
  for (let i = 0, at = 0; i < count; i++) for (let j = 0; j < dimension; j++) vectors[at++]! -= centre[j]!;
  return { count, dimension, vectors, centre };
}

/** A plan that compares every row with every centroid. */
export function flatPlan(centred: CentredCentroids, metric: Metric): AssignPlan {
  return planOf(centred, metric, [consecutive(centred.count)]);
}

/** @param members the centroids of each group */
export function planOf(centred: CentredCentroids, metric: Metric, members: readonly Int32Array[]): AssignPlan {
  const { dimension, vectors } = centred;
  const width = padded(dimension);
  const blocks = members.map(cutIntoBlocks);
  const firstBlocks = new Int32Array(members.length + 1);
  for (const [group, own] of blocks.entries()) firstBlocks[group + 1] = firstBlocks[group]! + own.length;
  const centre = new Float32Array(new SharedArrayBuffer(4 * width));
  centre.set(centred.centre);
  const columns = encodeColumns(vectors, dimension, blocks.flat());
  return { dimension, width, unit: isSpherical(metric), centre, columns, firstBlocks };
}

/** 0, 1, ... */
export function consecutive(count: number): Int32Array {
  return Int32Array.from({ length: count }, (_, i) => i);
}
