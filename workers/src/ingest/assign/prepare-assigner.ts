import type { Centroids } from '../../vectors/kmeans.ts';
import type { Metric } from '../../vectors/metric.ts';
import { sortByPartition } from '../../vectors/partition-sort.ts';
import {
  type AssignPlan,
  type CentredCentroids,
  consecutive,
  flatPlan,
  planOf,
  subtractCentre,
} from './assign-plan.ts';
import { createAssigner } from './assigner.ts';
import { encodeColumns } from './column-blocks.ts';
import { groupCentroids } from './group-centroids.ts';

/** With fewer pairs of rows and centroids, comparing all costs less than planning: about 6 CPU-seconds at 960 components. */
const LEAST_PAIRS = 2 ** 31;
/** Groups, times the square root of the number of centroids. */
const GROUPS_PER_ROOT = 2;
/** Share of trial rows that must get the centroid that they get when compared with all. */
const AGREEMENT = 0.995;
/** Slacks that are tried: from the smallest, each twice as large in two steps. */
const SMALLEST_SLACK = 1 / 256;
const SLACKS = Array.from({ length: 17 }, (_, i) => SMALLEST_SLACK * 2 ** (i / 2));
/** Comparisons in groups are products of few rows and columns, and rows are copied for each. */
const COST_IN_GROUPS = 2;

export interface Assignment {
  /** Rows that will be assigned. */
  rows: number;
  /** Some of them, or of their kind: [n, D]. */
  trial: Float32Array;
}

/**
 * Decides how rows are compared with centroids: with those of their nearest groups, where that costs less and nearly all trial
 * rows find their nearest centroid there, otherwise with all. The same arguments give the same plan.
 */
export async function prepareAssigner(
  centroids: Centroids,
  metric: Metric,
  { rows, trial }: Assignment,
): Promise<AssignPlan> {
  const centred = subtractCentre(centroids);
  const flat = flatPlan(centred, metric);
  if (rows * centroids.count < LEAST_PAIRS) return flat;
  const grouped = await planWithGroups(centred, metric);
  const all = await assignTrial(flat, trial);
  const mostComparisons = all.comparisons / COST_IN_GROUPS;
  // Agreement and cost grow with the slack: bisection finds the smallest that agrees.
  let [low, high] = [0, SLACKS.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    const { nearest, comparisons } = await assignTrial(withSlack(grouped, SLACKS[middle]!), trial);
    const agreeing = nearest.filter((centroid, row) => centroid === all.nearest[row]).length;
    if (agreeing >= AGREEMENT * nearest.length || comparisons > mostComparisons) high = middle;
    else low = middle + 1;
  }
  if (low === SLACKS.length) return flat;
  const chosen = withSlack(grouped, SLACKS[low]!);
  return (await assignTrial(chosen, trial)).comparisons > mostComparisons ? flat : chosen;
}

async function planWithGroups(centred: CentredCentroids, metric: Metric): Promise<AssignPlan> {
  const { count, dimension, vectors } = centred;
  const groupCount = Math.round(GROUPS_PER_ROOT * Math.sqrt(count));
  const { groups, means } = await groupCentroids(centred, groupCount);
  const { order, counts } = sortByPartition(groups, groupCount);
  const members: Int32Array[] = [];
  for (let group = 0, first = 0; group < groupCount; first += counts[group]!, group++)
    members.push(order.subarray(first, first + counts[group]!));
  let length = 0;
  for (let i = 0; i < vectors.length; i++) length += vectors[i]! ** 2 / count;
  const columns = encodeColumns(means, dimension, [consecutive(groupCount)]);
  return { ...planOf(centred, metric, members), groups: { columns, slack: 0, base: Math.sqrt(length) } };
}

/** @param slack in root mean square lengths of centroids */
function withSlack(plan: AssignPlan, slack: number): AssignPlan {
  const groups = plan.groups!;
  return { ...plan, groups: { ...groups, slack: slack * groups.base } };
}

async function assignTrial(
  plan: AssignPlan,
  trial: Float32Array,
): Promise<{ nearest: Int32Array; comparisons: number }> {
  const rows = trial.length / plan.dimension;
  const nearest = new Int32Array(rows);
  const assigner = await createAssigner(plan);
  try {
    await assigner.assign(trial, rows, nearest);
    return { nearest, comparisons: assigner.comparisons };
  } finally {
    await assigner.close();
  }
}
