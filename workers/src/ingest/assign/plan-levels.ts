import type { Centroids } from '../../vectors/kmeans.ts';
import type { AssignPlan } from './assign-plan.ts';
import { consecutive, cutIntoBlocks, encodeColumns, halfSquares, type Targets } from './column-blocks.ts';
import type { CentroidGroups } from './group-centroids.ts';
import { type Basis, firstDirections, project, shortCodes } from './short-codes.ts';

/**
 * Makes a plan that compares rows with fewer centroids, by fewer components, or both.
 * @param flat the plan that compares with all @param centred its centroids
 * @param codes the basis of short codes, and their number of components
 */
export function planWithCodes(
  flat: AssignPlan,
  centred: Centroids,
  codes?: { basis: Basis; directions: number },
  groups?: CentroidGroups,
): AssignPlan {
  const { count, dimension, vectors } = centred;
  const members = groups?.members ?? [consecutive(count)];
  const blocks = members.map(cutIntoBlocks);
  const firstBlocks = new Int32Array(members.length + 1);
  for (const [group, own] of blocks.entries()) firstBlocks[group + 1] = firstBlocks[group]! + own.length;
  const targets: Targets = { vectors, dimension, biases: halfSquares(vectors, dimension) };
  if (codes) {
    targets.dimension = codes.directions;
    targets.vectors = firstDirections(codes.basis.projected, codes.basis.count, codes.directions);
  }
  return {
    ...flat,
    ...(codes ? { short: shortCodes(centred, codes.basis, codes.directions) } : {}),
    columns: encodeColumns(targets, blocks.flat()),
    firstBlocks,
    ...(groups ? { groups: groupLevel(centred, groups, codes) } : {}),
  };
}

function groupLevel(
  { count, dimension, vectors }: Centroids,
  { means, members }: CentroidGroups,
  codes: { basis: Basis; directions: number } | undefined,
): NonNullable<AssignPlan['groups']> {
  const targets: Targets = { vectors: means, dimension, biases: halfSquares(means, dimension) };
  if (codes) {
    targets.dimension = codes.directions;
    targets.vectors = project(means, dimension, codes.basis, codes.directions);
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
