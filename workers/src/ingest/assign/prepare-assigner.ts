import type { Centroids } from '../../vectors/kmeans.ts';
import type { Metric } from '../../vectors/metric.ts';
import { type AssignPlan, type CentredCentroids, flatPlan, subtractCentre } from './assign-plan.ts';
import { padded } from './column-blocks.ts';
import { groupCentroids } from './group-centroids.ts';
import { planWithCodes, withSlack } from './plan-levels.ts';
import { shareFarther, type Trial, tryPlan } from './plan-trial.ts';
import { findBasis, type ShortForm } from './short-codes.ts';

/** With fewer pairs of rows and centroids, comparing all costs less than planning: about 6 CPU-seconds at 960 components. */
const LEAST_PAIRS = 2 ** 31;
/** Groups, times the square root of the number of centroids. */
const GROUPS_PER_ROOT = 2;
/** Share of trial rows that may get a farther centroid than when they are compared with all. */
const MOST_FARTHER = 0.005;
/** Slacks that are tried, in root mean square lengths of centroids: from the smallest, each twice as large in two steps. */
const SMALLEST_SLACK = 1 / 256;
const SLACKS = Array.from({ length: 17 }, (_, i) => SMALLEST_SLACK * 2 ** (i / 2));
/** Components of short codes that are tried, as shares of all. */
const SHORT_SHARES = [1 / 16, 1 / 8];
/** Candidates of short codes that are tried; the first with which enough rows agree is taken. */
const KEPT = [8, 32];
/** A plan must do with this share of the work of comparing all. */
const LEAST_GAIN = 0.75;

export interface Assignment {
  /** Rows that will be assigned. */
  rows: number;
  /** Some of them, or of their kind: [n, D]. */
  trial: Float32Array;
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
  const centred = subtractCentre(centroids);
  const flat = flatPlan(centred, metric);
  if (rows * centroids.count < LEAST_PAIRS) return flat;
  const all = await tryPlan(flat, trial);
  const agrees = (tried: Trial) => shareFarther(tried, all, centred, trial) <= MOST_FARTHER;
  let best = { plan: flat, work: all.work * LEAST_GAIN };

  const forms: (ShortForm | undefined)[] = [undefined];
  for (const candidates of await shortForms(centred))
    for (const form of candidates) {
      const tried = await tryPlan(planWithCodes(flat, centred, form), trial);
      if (!agrees(tried)) continue;
      if (tried.work < best.work) best = tried;
      forms.push(form);
      break;
    }
  const groups = await groupCentroids(centred, Math.round(GROUPS_PER_ROOT * Math.sqrt(centroids.count)));
  for (const form of forms) {
    const grouped = planWithCodes(flat, centred, form, groups);
    // Agreement and work grow with the slack: bisection finds the smallest that agrees.
    let [low, high] = [0, SLACKS.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      const tried = await tryPlan(withSlack(grouped, SLACKS[middle]!), trial);
      const isEnough = agrees(tried);
      const isCheaper = tried.work < best.work;
      if (isEnough && isCheaper) best = tried;
      if (isEnough || !isCheaper) high = middle;
      else low = middle + 1;
    }
  }
  return best.plan;
}

/** Returns the forms of short codes to try: of few directions first, of each with few candidates first. */
async function shortForms(centred: CentredCentroids): Promise<ShortForm[][]> {
  const shares = SHORT_SHARES.map((share) => padded(centred.dimension * share));
  const widths = shares.filter((directions) => 4 * directions <= centred.dimension);
  if (widths.length === 0) return [];
  const basis = await findBasis(centred, widths.at(-1)!);
  return widths.map((directions) => KEPT.map((kept) => ({ basis, directions, kept })));
}
