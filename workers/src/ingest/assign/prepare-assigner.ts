import type { Centroids } from '../../vectors/kmeans.ts';
import type { Metric } from '../../vectors/metric.ts';
import { type AssignPlan, type CentredCentroids, flatPlan, subtractCentre } from './assign-plan.ts';
import { padded } from './column-blocks.ts';
import { type CentroidGroups, groupCentroids } from './group-centroids.ts';
import { planWithCodes, withSlack } from './plan-levels.ts';
import { TrialRecall, tryPlan } from './plan-trial.ts';
import { findBasis, type ShortForm } from './short-codes.ts';

/** With fewer pairs of rows and centroids, comparing all costs less than planning: about 6 CPU-seconds at 960 components. */
const LEAST_PAIRS = 2 ** 31;
/** Groups, times the square root of the number of centroids. */
const GROUPS_PER_ROOT = 2;
/** Recall that a plan may lose in a trial. Of nearer neighbours than trial rows have, it can lose twice that. */
const MOST_LOST = 0.001;
/** Slacks that are tried, in root mean square lengths of centroids: from the smallest, each twice as large in two steps. */
const SMALLEST_SLACK = 1 / 256;
const SLACKS = Array.from({ length: 17 }, (_, i) => SMALLEST_SLACK * 2 ** (i / 2));
/** Components of short codes that are tried, as shares of all. */
const SHORT_SHARES = [1 / 32, 1 / 16, 1 / 8];
/** Candidates of short codes that are tried; the first that loses no recall is taken. */
const KEPT = [1, 8, 32];
/** A plan must do with this share of the work of comparing all. */
const LEAST_GAIN = 0.75;

export interface Assignment {
  /** Rows that will be assigned. */
  rows: number;
  /** Some of them, or of their kind: [n, D]. */
  trial: Float32Array;
}

/** What rows are compared by, and the recall where they are compared with all centroids by it. */
interface Level {
  form: ShortForm | undefined;
  recall: number;
}

/**
 * Decides how rows are compared with centroids. Tried are: the centroids of the nearest groups, short codes, and both. The plan
 * with the least work is taken with which searches among trial rows have the recall that comparing with all gives them; where none
 * saves enough, rows are compared with all. The same arguments give the same plan.
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
  const searches = await TrialRecall.create(centroids, metric, trial);
  let best = { plan: flat, work: all.work * LEAST_GAIN };

  const recallOfAll = searches.measure(all.nearest);
  const levels: Level[] = [{ form: undefined, recall: recallOfAll }];
  for (const candidates of await shortForms(centred))
    for (const form of candidates) {
      const tried = await tryPlan(planWithCodes(flat, centred, form), trial);
      const recall = searches.measure(tried.nearest);
      if (recall < recallOfAll - MOST_LOST) continue;
      if (tried.work < best.work) best = tried;
      levels.push({ form, recall });
      break;
    }
  const groups = await groupsOf(centred);
  for (const { form, recall } of levels) {
    const grouped = planWithCodes(flat, centred, form, groups);
    // Recall and work grow with the slack: bisection finds the smallest that is enough.
    let [low, high] = [0, SLACKS.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      const tried = await tryPlan(withSlack(grouped, SLACKS[middle]!), trial);
      // Short codes find far neighbours better than all components do. That must not hide what groups lose.
      const isEnough = searches.measure(tried.nearest) >= recall - MOST_LOST;
      const isCheaper = tried.work < best.work;
      if (isEnough && isCheaper) best = tried;
      if (isEnough || !isCheaper) high = middle;
      else low = middle + 1;
    }
  }
  return best.plan;
}

/** Plans how rows are compared with other centroids in the way of an earlier plan. Nothing is tried. */
export async function planLike(
  { short, groups }: AssignPlan,
  centroids: Centroids,
  metric: Metric,
): Promise<AssignPlan> {
  const centred = subtractCentre(centroids);
  const flat = flatPlan(centred, metric);
  if (!short && !groups) return flat;
  const form = short && {
    basis: await findBasis(centred, short.width),
    directions: short.width,
    kept: short.kept,
  };
  const plan = planWithCodes(flat, centred, form, groups && (await groupsOf(centred)));
  return groups ? withSlack(plan, groups.slack / groups.base) : plan;
}

function groupsOf(centred: CentredCentroids): Promise<CentroidGroups> {
  return groupCentroids(centred, Math.round(GROUPS_PER_ROOT * Math.sqrt(centred.count)));
}

/** Returns the forms of short codes to try: of few directions first, of each with few candidates first. */
async function shortForms(centred: CentredCentroids): Promise<ShortForm[][]> {
  const shares = SHORT_SHARES.map((share) => padded(centred.dimension * share));
  const widths = shares.filter((directions) => 4 * directions <= centred.dimension);
  if (widths.length === 0) return [];
  const basis = await findBasis(centred, widths.at(-1)!);
  return widths.map((directions) => KEPT.map((kept) => ({ basis, directions, kept })));
}
