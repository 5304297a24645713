import { closeSync, openSync } from 'node:fs';
import { seededRandom } from '../../base/random.ts';
import type { RowSpan } from '../../bucket/fragment-blocks.ts';
import { type Centroids, isSpherical, LloydRound, normalizeRows } from '../../vectors/kmeans.ts';
import type { Metric } from '../../vectors/metric.ts';
import type { AssignPlan } from '../assign/assign-plan.ts';
import { type Assigner, createAssigner } from '../assign/assigner.ts';
import { planLike, prepareAssigner } from '../assign/prepare-assigner.ts';
import {
  holdOutTrialRows,
  readSampleRows,
  readTrialRows,
  type SamplePart,
  stretchesOf,
  type TrainingSample,
} from '../training-sample.ts';

/** A sample, and the cluster of each of its rows. */
export interface TrainingStart {
  sample: TrainingSample;
  /** [rows], in memory that threads share; -1 for rows that a round does not learn from */
  clusters: Int32Array;
}

export interface PlanRequest {
  centroids: Centroids;
  /** Rows that will be assigned. With many, ways to assign them are tried on rows of the sample. */
  rows: number;
  /** A plan that was made for earlier centroids, in whose way rows are assigned. */
  like?: AssignPlan | undefined;
}

/** Takes part in training centroids: its thread is one of several that train the same ones. */
export class CentroidTrainer {
  readonly #sample: TrainingSample;
  readonly #clusters: Int32Array;
  readonly #metric: Metric;
  readonly #file: number;
  #assigner: Assigner | undefined;
  #vectors = new Float32Array(0);

  constructor({ sample, clusters }: TrainingStart, metric: Metric) {
    this.#sample = sample;
    this.#clusters = clusters;
    this.#metric = metric;
    this.#file = openSync(sample.path, 'r');
  }

  /** Picks random rows of the sample as first centroids. @param centroids overwritten */
  pickCentroids({ count, dimension, vectors }: Centroids): void {
    const { rows } = this.#sample;
    const random = seededRandom(0x1a4ce);
    const shuffled = Int32Array.from({ length: rows }, (_, i) => i);
    // The first `count` steps of a Fisher-Yates shuffle.
    for (let i = 0; i < count; i++) {
      const j = i + Math.floor(random() * (rows - i));
      [shuffled[i], shuffled[j]] = [shuffled[j]!, shuffled[i]!];
      readSampleRows(this.#file, this.#sample, shuffled[i]!, vectors.subarray(i * dimension, (i + 1) * dimension));
    }
    if (isSpherical(this.#metric)) normalizeRows(vectors, dimension);
  }

  /** Plans how rows are assigned. */
  planAssignment({ centroids, rows, like }: PlanRequest): Promise<AssignPlan> {
    if (like) return planLike(like, centroids, this.#metric);
    const trial = readTrialRows(this.#file, this.#sample);
    return prepareAssigner(centroids, this.#metric, { rows, trial });
  }

  /** Prepares for `assignPart`. */
  async startRound(plan: AssignPlan): Promise<void> {
    await this.#assigner?.close();
    this.#assigner = await createAssigner(plan, { threads: 1 });
  }

  /** Finds the clusters of the rows of a part. */
  async assignPart(part: SamplePart): Promise<void> {
    const { rows, dimension } = this.#sample;
    const stretches = [...stretchesOf(rows, part)];
    const count = stretches.reduce((sum, { first, end }) => sum + end - first, 0);
    if (this.#vectors.length < count * dimension) this.#vectors = new Float32Array(count * dimension);
    let at = 0;
    for (const { first, end } of stretches) {
      const size = (end - first) * dimension;
      readSampleRows(this.#file, this.#sample, first, this.#vectors.subarray(at, at + size));
      at += size;
    }
    const own = new Int32Array(count);
    await this.#assigner!.assign(this.#vectors, count, own);
    holdOutTrialRows(this.#sample, own);
    at = 0;
    for (const { first, end } of stretches) {
      this.#clusters.set(own.subarray(at, at + end - first), first);
      at += end - first;
    }
  }

  /**
   * Computes the means of clusters [first, end), each from its rows in their order.
   * @param means of all clusters: [clusters, D] @returns the row counts of these clusters
   */
  computeMeans({ first, end }: RowSpan, means: Float32Array): Int32Array {
    const { dimension } = this.#sample;
    const round = new LloydRound(end - first, dimension);
    const row = new Float32Array(dimension);
    const cluster = new Int32Array(1);
    for (const [i, own] of this.#clusters.entries()) {
      if (own < first || own >= end) continue;
      readSampleRows(this.#file, this.#sample, i, row);
      cluster[0] = own - first;
      round.add(row, cluster, 1);
    }
    return round.means(means.subarray(first * dimension, end * dimension));
  }

  async close(): Promise<void> {
    await this.#assigner?.close();
    closeSync(this.#file);
  }
}
