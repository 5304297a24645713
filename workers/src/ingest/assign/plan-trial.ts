import type { AssignPlan, CentredCentroids } from './assign-plan.ts';
import { createAssigner } from './assigner.ts';

/** What a plan did for trial rows. */
export interface Trial {
  plan: AssignPlan;
  work: number;
  nearest: Int32Array;
}

/** Assigns trial rows by a plan. @param rows [n, D] */
export async function tryPlan(plan: AssignPlan, rows: Float32Array): Promise<Trial> {
  const count = rows.length / plan.dimension;
  const nearest = new Int32Array(count);
  const assigner = await createAssigner(plan);
  try {
    await assigner.assign(rows, count, nearest);
    return { plan, work: assigner.work, nearest };
  } finally {
    await assigner.close();
  }
}

/**
 * Returns the share of trial rows for which a plan finds a farther centroid than another plan, less the share for which it finds a
 * nearer one: of two centroids that codes cannot tell apart, either plan may find either.
 * @param rows [n, D]
 */
export function shareFarther(trial: Trial, other: Trial, centred: CentredCentroids, rows: Float32Array): number {
  const { dimension } = centred;
  let farther = 0;
  for (const [row, own] of trial.nearest.entries()) {
    const vector = rows.subarray(row * dimension, (row + 1) * dimension);
    farther += Math.sign(squaredDifference(vector, own, other.nearest[row]!, centred, trial.plan.unit));
  }
  return farther / trial.nearest.length;
}

/** The squared distance of a row to a centroid, less that to another, in double precision. */
function squaredDifference(
  row: Float32Array,
  own: number,
  other: number,
  { centre, vectors }: CentredCentroids,
  unit: boolean,
): number {
  if (own === other) return 0;
  const square = row.reduce((sum, value) => sum + value * value, 0);
  const scale = unit && square > 0 ? 1 / Math.sqrt(square) : 1;
  let difference = 0;
  for (let i = 0; i < row.length; i++) {
    const value = row[i]! * scale - centre[i]!;
    difference += (value - vectors[own * row.length + i]!) ** 2 - (value - vectors[other * row.length + i]!) ** 2;
  }
  return difference;
}
