import { type Centroids, LloydRound } from '../../vectors/kmeans.ts';
import { sortByPartition } from '../../vectors/partition-sort.ts';
import { flatPlan, subtractCentre } from './assign-plan.ts';
import { createAssigner } from './assigner.ts';

const ROUNDS = 6;

export interface CentroidGroups {
  /** The centroids of each group. */
  members: Int32Array[];
  /** The mean of each group, about: [groups, dimension]. */
  means: Float32Array;
}

/** Groups centroids by k-means. The same centroids give the same groups. */
export async function groupCentroids(
  { count, dimension, vectors }: Centroids,
  groupCount: number,
): Promise<CentroidGroups> {
  const groups = new Int32Array(count);
  let means: Centroids = { count: groupCount, dimension, vectors: new Float32Array(groupCount * dimension) };
  for (let group = 0; group < groupCount; group++) {
    const centroid = Math.floor((group * count) / groupCount);
    means.vectors.set(vectors.subarray(centroid * dimension, (centroid + 1) * dimension), group * dimension);
  }
  for (let round = 0; ; round++) {
    const assigner = await createAssigner(flatPlan(subtractCentre(means), 'l2'));
    await assigner.assign(vectors, count, groups).finally(() => assigner.close());
    if (round === ROUNDS) return { members: membersOf(groups, groupCount), means: means.vectors };
    const sums = new LloydRound(groupCount, dimension);
    sums.add(vectors, groups, count);
    means = sums.centroids(false);
  }
}

function membersOf(groups: Int32Array, groupCount: number): Int32Array[] {
  const { order, counts } = sortByPartition(groups, groupCount);
  let end = 0;
  return Array.from(counts, (count) => {
    end += count;
    return order.subarray(end - count, end);
  });
}
