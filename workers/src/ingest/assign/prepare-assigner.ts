import type { Centroids } from '../../vectors/kmeans.ts';
import type { Metric } from '../../vectors/metric.ts';
import { type AssignPlan, flatPlan, subtractCentre } from './assign-plan.ts';
import { createAssigner } from './assigner.ts';
import { padded } from './column-blocks.ts';
import { groupCentroids } from './group-centroids.ts';
import { planWithCodes, withSlack } from './plan-levels.ts';
import { findBasis } from './short-codes.ts';

/** With fewer pairs of rows and centroids, comparing all costs less than planning: about 6 CPU-seconds at 960 components. */
const LEAST_PAIRS = 2 ** 31;
/** Groups, times the square root of the number of centroids. */
const GROUPS_PER_ROOT = 2;
/** Share of trial rows that must get a centroid as near as the one that they get when compared with all. */
const AGREEMENT = 0.995;
/** Slacks that are tried, in root mean square lengths of centroids: from the smallest, each twice as large in two steps. */
const SMALLEST_SLACK = 1 / 256;
const SLACKS = Array.from({ length: 17 }, (_, i) => SMALLEST_SLACK * 2 ** (i / 2));
/** Components of short codes that are tried, as shares of all. */
const SHORT_SHARES = [1 / 16, 1 / 8];
/** A plan must do with this share of the work of comparing all. */
const LEAST_GAIN = 0.75;

export interface Assignment {
  /** Rows that will be assigned. */
  rows: number;
  /** Some of them, or of their kind: [n, D]. */
  trial: Float32Array;
}

/** What a plan did for the trial rows. */
interface Trial {
  plan: AssignPlan;
  work: number;
  nearest: Int32Array;
}

/**
 * Decides how rows are compared with centroids. Tried are: the centroids of the nearest groups, short codes, and both. The plan
 * with the least work is taken by which nearly all trial rows find their nearest centroid; where none saves enough, rows are compared
 * with all. The same arguments give the same plan.
 */
export async function prepareAssigner(
  centroids: Centroids,
  metric: Metric,
  { rows, trial }: Assignment,
): Promise<AssignPlan> {
  const { count, dimension } = centroids;
  const centred = subtractCentre(centroids);
  const flat = flatPlan(centred, metric);
  if (rows * count < LEAST_PAIRS) return flat;
  const all = await tryPlan(flat, trial);
  const agrees = ({ nearest }: Trial) => {
    const worse = nearest.reduce(
      (sum, own, row) => sum + (isFarther(flat, centred, trial, row, own, all.nearest[row]!) ? 1 : 0),
      0,
    );
    return worse <= (1 - AGREEMENT) * nearest.length;
  };
  let [best, mostWork] = [flat, all.work * LEAST_GAIN];
  const consider = ({ plan, work }: Trial) => {
    if (work < mostWork) [best, mostWork] = [plan, work];
  };

  const groups = await groupCentroids(centred, Math.round(GROUPS_PER_ROOT * Math.sqrt(count)));
  const directions = SHORT_SHARES.map((share) => padded(dimension * share)).filter((short) => 4 * short <= dimension);
  const basis = directions.length > 0 ? await findBasis(centred, directions.at(-1)!) : undefined;
  for (const short of [undefined, ...directions]) {
    const codes = basis && short !== undefined ? { basis, directions: short } : undefined;
    if (codes) {
      const ungrouped = await tryPlan(planWithCodes(flat, centred, codes), trial);
      if (!agrees(ungrouped)) continue;
      consider(ungrouped);
    }
    const grouped = planWithCodes(flat, centred, codes, groups);
    // Agreement and work grow with the slack: bisection finds the smallest that agrees.
    let [low, high] = [0, SLACKS.length];
    let found: Trial | undefined;
    while (low < high) {
      const middle = (low + high) >> 1;
      const tried = await tryPlan(withSlack(grouped, SLACKS[middle]!), trial);
      const isEnough = agrees(tried);
      if (isEnough) found = tried;
      if (isEnough || tried.work >= mostWork) high = middle;
      else low = middle + 1;
    }
    if (found) consider(found);
  }
  return best;
}

async function tryPlan(plan: AssignPlan, trial: Float32Array): Promise<Trial> {
  const rows = trial.length / plan.dimension;
  const nearest = new Int32Array(rows);
  const assigner = await createAssigner(plan);
  try {
    await assigner.assign(trial, rows, nearest);
    return { plan, work: assigner.work, nearest };
  } finally {
    await assigner.close();
  }
}

/** Whether a centroid is farther from a row than another is, in double precision. */
function isFarther(
  { unit, centre }: AssignPlan,
  { dimension, vectors }: Centroids,
  trial: Float32Array,
  row: number,
  own: number,
  other: number,
): boolean {
  if (own === other) return false;
  const start = row * dimension;
  let square = 0;
  for (let i = start; i < start + dimension; i++) square += trial[i]! * trial[i]!;
  const scale = unit && square > 0 ? 1 / Math.sqrt(square) : 1;
  let difference = 0;
  for (let i = 0; i < dimension; i++) {
    const value = trial[start + i]! * scale - centre[i]!;
    difference += (value - vectors[own * dimension + i]!) ** 2 - (value - vectors[other * dimension + i]!) ** 2;
  }
  return difference > 0;
}
