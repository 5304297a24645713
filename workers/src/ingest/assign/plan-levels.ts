import type { Centroids } from '../../vectors/kmeans.ts';
import type { AssignPlan } from './assign-plan.ts';
import { consecutive, cutIntoBlocks, encodeColumns, halfSquares, type Targets } from './column-blocks.ts';
import type { CentroidGroups } from './group-centroids.ts';
import { firstDirections, project, type ShortForm, shortCodes } from './short-codes.ts';

/**
 * Makes a plan that compares rows with fewer centroids, by fewer components, or both.
 * @param flat the plan that compares with all @param centred its centroids
 * @param form of short codes, where these are compared
 */
export function planWithCodes(
  flat: AssignPlan,
  centred: Centroids,
  form?: ShortForm,
  groups?: CentroidGroups,
): AssignPlan {
  const { count, dimension, vectors } = centred;
  const members = groups?.members ?? [consecutive(count)];
  const blocks = members.map(cutIntoBlocks);
  const firstBlocks = new Int32Array(members.length + 1);
  for (const [group, own] of blocks.entries()) firstBlocks[group + 1] = firstBlocks[group]! + own.length;
  const targets: Targets = { vectors, dimension, biases: halfSquares(vectors, dimension) };
  if (form) {
    targets.dimension = form.directions;
    targets.vectors = firstDirections(form.basis.projected, form.basis.count, form.directions);
  }
  return {
    ...flat,
    ...(form ? { short: shortCodes(centred, form) } : {}),
    columns: encodeColumns(targets, blocks.flat()),
    firstBlocks,
    ...(groups ? { groups: groupLevel(centred, groups, form) } : {}),
  };
}

function groupLevel(
  { count, dimension, vectors }: Centroids,
  { means, members }: CentroidGroups,
  form: ShortForm | undefined,
): NonNullable<AssignPlan['groups']> {
  const targets: Targets = { vectors: means, dimension, biases: halfSquares(means, dimension) };
  if (form) {
    targets.dimension = form.directions;
    targets.vectors = project(means, dimension, form.basis, form.directions);
  }
  let meanSquare = 0;
  for (const value of vectors) meanSquare += (value * value) / count;
  return { columns: encodeColumns(targets, [consecutive(members.length)]), slack: 0, base: Math.sqrt(meanSquare) };
}

/** @param slack in root mean square lengths of centroids */
export function withSlack(plan: AssignPlan, slack: number): AssignPlan {
  const groups = plan.groups!;
  return { ...plan, groups: { ...groups, slack: slack * groups.base } };
}
