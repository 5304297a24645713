import { readFile, rm } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { withThreadPool } from '../../workers/src/base/threads/thread-pool.ts';
import type { Assignment } from '../../workers/src/forecast/model/growth.ts';
import { type AssignPlan, flatPlan, subtractCentre } from '../../workers/src/ingest/assign/assign-plan.ts';
import { createAssigner } from '../../workers/src/ingest/assign/assigner.ts';
import { TrialRecall } from '../../workers/src/ingest/assign/plan-trial.ts';
import type { IngestThread, IngestThreadData } from '../../workers/src/ingest/passes/ingest-thread.ts';
import { type TrainedPartitions, trainPartitions } from '../../workers/src/ingest/train.ts';
import type { TrainingSample } from '../../workers/src/ingest/training-sample.ts';
import { capture, PYTHON, ROOT, say } from '../support/run.ts';

export const KINDS = ['clustered', 'unclustered'] as const;
const ROWS_PER_CENTROID = 16;
const THREADS = new URL('../../workers/src/ingest/passes/ingest-thread.ts', import.meta.url);
/** Rows that are timed: as many as an assigner takes at once. */
const ROWS = 16_384;
/** Of these, those that search each other. */
const SEARCHED_ROWS = 8192;
const PASSES = 2;

/** Measures what a row's assignment costs on one thread, by the number of partitions, as ingest plans it and with all centroids. */
export async function measureAssignment(
  folder: string,
  dimension: number,
  partitionCounts: readonly number[],
): Promise<Assignment[]> {
  const measured: Assignment[] = [];
  for (const kind of KINDS)
    for (const partitions of partitionCounts) {
      const one = { kind, partitions, ...(await measureOne(folder, kind, partitions, dimension)) };
      const [cost, costOfAll] = [one.cpuSeconds, one.cpuSecondsOfAll].map((seconds) => (seconds * 1e6).toFixed(2));
      const recalls = `recall ${one.recall.toFixed(4)} of ${one.recallOfAll.toFixed(4)}`;
      say(`${kind}, ${partitions} partitions: ${cost} us a row (${one.plan}), all ${costOfAll}, ${recalls}`);
      measured.push(one);
    }
  return measured;
}

async function measureOne(folder: string, kind: string, partitions: number, dimension: number) {
  const make = async (name: string, rows: number, seed: number) => {
    const path = join(folder, name);
    const script = join(ROOT, 'bench/support/make_sample.py');
    await capture(PYTHON, [script, path, kind, `${rows}`, `${dimension}`, `${seed}`]);
    return path;
  };
  const sample = {
    rows: ROWS_PER_CENTROID * partitions,
    dimension,
    path: await make('assign-sample.f32', ROWS_PER_CENTROID * partitions, 1),
  };
  const rowsPath = await make('assign-rows.f32', ROWS, 2);
  const { buffer } = await readFile(rowsPath);
  const vectors = new Float32Array(buffer, 0, ROWS * dimension);
  const { centroids, assignPlan: plan } = await train(sample, partitions);
  const planned = await timeAssignment(plan, vectors);
  const all = await timeAssignment(flatPlan(subtractCentre(centroids), 'cosine'), vectors);
  const searched = SEARCHED_ROWS * dimension;
  const searches = await TrialRecall.create(centroids, 'cosine', vectors.subarray(0, searched));
  await rm(sample.path);
  await rm(rowsPath);
  return {
    plan: describePlan(plan),
    cpuSeconds: planned.cpuSeconds,
    cpuSecondsOfAll: all.cpuSeconds,
    recall: searches.measure(planned.nearest),
    recallOfAll: searches.measure(all.nearest),
    agreement: planned.nearest.filter((own, row) => own === all.nearest[row]).length / ROWS,
  };
}

function train(sample: TrainingSample, count: number): Promise<TrainedPartitions> {
  const { dimension } = sample;
  const bucket = { dimension, metric: 'cosine', vectorType: 'float32', readType: 'float32', kept: [] } as const;
  const workerData: IngestThreadData = { bucket, unitBytes: 0, scratch: '', data: '' };
  const options = { name: 'ingest', count: availableParallelism(), workerData: () => workerData };
  return withThreadPool<IngestThread, TrainedPartitions>(THREADS, options, (pool) =>
    trainPartitions(pool, sample, { count, rows: count ** 2, metric: 'cosine' }, { add: () => {} }),
  );
}

async function timeAssignment(plan: AssignPlan, vectors: Float32Array) {
  const nearest = new Int32Array(ROWS);
  const assigner = await createAssigner(plan, { threads: 1 });
  await assigner.assign(vectors, ROWS, nearest);
  const before = process.cpuUsage();
  for (let pass = 0; pass < PASSES; pass++) await assigner.assign(vectors, ROWS, nearest);
  const { user, system } = process.cpuUsage(before);
  await assigner.close();
  return { nearest, cpuSeconds: (user + system) / 1e6 / PASSES / ROWS };
}

function describePlan({ groups, short }: AssignPlan): string {
  const means = [groups ? 'groups' : '', short ? `codes of ${short.width}` : ''].filter((text) => text !== '');
  return means.length > 0 ? means.join(', ') : 'all';
}
