import { commonCentre } from '../../vectors/centre.ts';
import { type Centroids, isSpherical } from '../../vectors/kmeans.ts';
import type { Metric } from '../../vectors/metric.ts';
import { type ColumnBlocks, consecutive, cutIntoBlocks, encodeColumns, halfSquares, padded } from './column-blocks.ts';
import type { ShortCodes } from './short-codes.ts';

/** How rows are compared with centroids. Posted to other threads, it shares its memory with them. */
export interface AssignPlan {
  /** Of the rows; their codes are padded to `width`. */
  dimension: number;
  width: number;
  /** Rows are scaled to unit length first. */
  unit: boolean;
  /** float32 [width], subtracted from rows and centroids: what centroids have in common takes up no digits of their codes. */
  centre: Float32Array;
  /** Where it is given, columns and groups have short codes. */
  short?: ShortCodes;
  /** The centroids, group by group. */
  columns: ColumnBlocks;
  /** First block of each group, and in the end the number of blocks. */
  firstBlocks: Int32Array;
  /** Where it is missing, a row is compared with all groups. */
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

/** Returns a plan that compares every row with every centroid. */
export function flatPlan(centred: CentredCentroids, metric: Metric): AssignPlan {
  const { count, dimension, vectors } = centred;
  const width = padded(dimension);
  const centre = new Float32Array(new SharedArrayBuffer(4 * width));
  centre.set(centred.centre);
  const blocks = cutIntoBlocks(consecutive(count));
  const columns = encodeColumns({ vectors, dimension, biases: halfSquares(vectors, dimension) }, blocks);
  const firstBlocks = Int32Array.of(0, blocks.length);
  return { dimension, width, unit: isSpherical(metric), centre, columns, firstBlocks };
}
