import type { Table } from '@lancedb/lancedb';
import type { Metric } from '../../core/metric.ts';
import { columnFrom, type Utf8Column } from '../../core/utf8-column.ts';
import { idColumn } from '../lance/arrow-ids.ts';
import type { Progress } from '../progress.ts';

/** Queries in flight: LanceDB works on each with threads of its own. */
const IN_FLIGHT = 4;

export interface AnnOptions {
  dimension: number;
  metric: Metric;
  k: number;
  /** Rows of the table. */
  rows: number;
  partitions: number;
  nprobes: number;
  /** 0: distances of the index's codes, without a look at the vectors. */
  refineFactor: number;
}

/** One query's answer of the index. */
export interface AnnAnswer {
  ids: Utf8Column;
  distances: Float32Array;
}

/**
 * Approximate neighbours by the table's LanceDB index.
 * @param vectors queries, [.., D]; those from `first`, `count` of them, are asked
 * @returns answers in their order; one that has fewer than min(k, rows) hits was asked again with all partitions
 */
export async function searchAnn(
  table: Table,
  vectors: Float32Array,
  first: number,
  count: number,
  options: AnnOptions,
  progress: Progress,
): Promise<AnnAnswer[]> {
  const answers = new Array<AnnAnswer>(count);
  const wanted = Math.min(options.k, options.rows);
  let next = 0;
  const work = async () => {
    for (let i = next++; i < count; i = next++) {
      const query = first + i;
      const vector = vectors.subarray(query * options.dimension, (query + 1) * options.dimension);
      let answer = await ask(table, vector, options, options.nprobes);
      if (answer.distances.length < wanted && options.nprobes < options.partitions)
        answer = await ask(table, vector, options, options.partitions);
      answers[i] = answer;
      progress.add(1);
    }
  };
  await Promise.all(Array.from({ length: Math.min(IN_FLIGHT, count) }, work));
  return answers;
}

async function ask(table: Table, vector: Float32Array, options: AnnOptions, nprobes: number): Promise<AnnAnswer> {
  const { metric, k, rows } = options;
  // LanceDB makes room for as many candidates as it is asked for, and ends the process where there is none.
  const refineFactor = Math.min(options.refineFactor, Math.ceil(rows / k));
  const query = table
    .query()
    .nearestTo(vector)
    .column('embedding')
    .distanceType(metric)
    .nprobes(nprobes)
    .limit(k)
    .select(['id', '_distance']);
  // A factor of 1 would compute distances anew as well; without one they are those of the index's codes.
  const found = await (refineFactor > 0 ? query.refineFactor(refineFactor) : query).toArrow();
  // Where all probed partitions are empty, LanceDB gives a table without columns.
  if (found.numRows === 0) return { ids: columnFrom([]), distances: new Float32Array(0) };
  const distances = new Float32Array(found.numRows);
  let at = 0;
  for (const { values, offset, length } of found.getChild('_distance')!.data) {
    distances.set((values as Float32Array).subarray(offset, offset + length), at);
    at += length;
  }
  return { ids: idColumn(found as never), distances };
}
