import { rankPartitions } from '../../bucket/rank-partitions.ts';
import type { Centroids } from '../../vectors/kmeans.ts';
import type { Metric } from '../../vectors/metric.ts';
import type { AssignPlan } from './assign-plan.ts';
import { createAssigner } from './assigner.ts';

/** Neighbours of a trial row that are searched. */
const NEIGHBOURS = 10;
/** Shares of the partitions that are probed. */
const PROBED = [0.005, 0.01, 0.02, 0.05, 0.1];

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
 * Recall of searches among trial rows: of each row's nearest other rows, the share whose partition is probed. The partitions that rows are
 * assigned to matter for nothing else.
 */
export class TrialRecall {
  readonly #rows: number;
  readonly #partitions: number;
  /** Neighbours of each row: [rows, neighbours]; and the row itself, in any place. */
  readonly #neighbours: Int32Array;
  /** Partitions by distance of their centroid from each row, nearest first: [rows, most probes]. */
  readonly #ranked: Int32Array;
  readonly #probes: number[];

  private constructor(rows: number, partitions: number, neighbours: Int32Array, ranked: Int32Array, probes: number[]) {
    this.#rows = rows;
    this.#partitions = partitions;
    this.#neighbours = neighbours;
    this.#ranked = ranked;
    this.#probes = probes;
  }

  /** @param trial [rows, D] */
  static async create(centroids: Centroids, metric: Metric, trial: Float32Array): Promise<TrialRecall> {
    const { count, dimension } = centroids;
    const rows = trial.length / dimension;
    const queries = { count: rows, vectors: trial };
    const probes = PROBED.map((share) => Math.max(1, Math.round(share * count)));
    const among: Centroids = { count: rows, dimension, vectors: trial };
    const wanted = Math.min(rows, NEIGHBOURS + 1);
    const { partitions: neighbours } = await rankPartitions(queries, { centroids: among }, metric, wanted);
    const { partitions: ranked } = await rankPartitions(queries, { centroids }, metric, probes.at(-1)!);
    return new TrialRecall(rows, count, neighbours, ranked, probes);
  }

  /** Computes the mean recall over the shares of probed partitions. @param partitions of the trial rows */
  measure(partitions: Int32Array): number {
    let [found, pairs] = [0, 0];
    const most = this.#probes.at(-1)!;
    const width = this.#neighbours.length / this.#rows;
    const ranks = new Int32Array(this.#partitions).fill(most);
    for (let row = 0; row < this.#rows; row++) {
      const ranked = this.#ranked.subarray(row * most, (row + 1) * most);
      for (let rank = 0; rank < most; rank++) ranks[ranked[rank]!] = rank;
      for (const other of this.#neighbours.subarray(row * width, (row + 1) * width)) {
        if (other === row) continue;
        pairs++;
        const rank = ranks[partitions[other]!]!;
        for (const probes of this.#probes) if (rank < probes) found++;
      }
      for (const partition of ranked) ranks[partition] = most;
    }
    return found / Math.max(1, pairs) / this.#probes.length;
  }
}
