import { type Centroids, LloydRound } from '../../vectors/kmeans.ts';
import { flatPlan, subtractCentre } from './assign-plan.ts';
import { createAssigner } from './assigner.ts';

const ROUNDS = 6;

/**
 * Groups centroids by k-means. The same centroids give the same groups.
 * @returns the group of each centroid, and the mean of each group: [groupCount, dimension]
 */
export async function groupCentroids(
  { count, dimension, vectors }: Centroids,
  groupCount: number,
): Promise<{ groups: Int32Array; means: Float32Array }> {
  const groups = new Int32Array(count);
  let means: Centroids = { count: groupCount, dimension, vectors: new Float32Array(groupCount * dimension) };
  for (let group = 0; group < groupCount; group++) {
    const centroid = Math.floor((group * count) / groupCount);
    means.vectors.set(vectors.subarray(centroid * dimension, (centroid + 1) * dimension), group * dimension);
  }
  for (let round = 0; ; round++) {
    const assigner = await createAssigner(flatPlan(subtractCentre(means), 'l2'));
    await assigner.assign(vectors, count, groups).finally(() => assigner.close());
    if (round === ROUNDS) return { groups, means: means.vectors };
    const sums = new LloydRound(groupCount, dimension);
    sums.add(vectors, groups, count);
    means = sums.centroids(false);
  }
}
