import { Float32, Utf8 } from 'apache-arrow';
import { columnLength, type Utf8Column } from '../../base/bytes/utf8-column.ts';
import { HITS_ROW_GROUP, hitRows, type NeighbourColumns, repeatText } from '../columns.ts';
import { P_VALUE } from '../evalues.ts';
import { type ColumnData, createTable, encodeTable, type TableOptions } from './table-writer.ts';

/** Hits of one bucket; the arrays have one entry per hit. */
export interface HitBatch {
  queryIds: Utf8Column;
  targetIds: Utf8Column;
  distances: Float32Array;
  /** For each hit, the chance that an unrelated vector of the bucket is as near; undefined where the bucket has no null distribution. */
  pValues?: Float32Array | undefined;
  /** LanceDB's row ids of the targets, where they are asked for. Files do not have them. */
  rowIds?: Float64Array | undefined;
  /** The bucket of all these hits. */
  bucket: string;
}

/** Writes hits batch by batch, in the order that ORDERED_BY names. */
export interface HitsWriter {
  append(batch: HitBatch): Promise<void>;
  /** Completes the file. @returns its size in bytes */
  finish(): Promise<number>;
  /** Closes and deletes the file. */
  abandon(): Promise<void>;
}

/**
 * Key-value metadata of a hits file whose rows are sorted: ids by their UTF-8 bytes, distances ascending. A reader that finds it
 * need not check the order.
 */
export const ORDERED_BY = { 'lanceflow.ordered_by': 'query_id,distance,target_id' };

/**
 * Creates a hits file of one bucket at `path` (a temporary name: see `writeAtomically`).
 * @param metadata key-value metadata of the file
 * @param hasPValues whether the hits have p-values
 */
export async function createHits(
  path: string,
  metadata: Record<string, string> = {},
  hasPValues = false,
): Promise<HitsWriter> {
  const table = await createTable(path, hitsOptions(metadata, hasPValues));
  return {
    append: (batch) => table.append(...columnsOf(batch)),
    finish: table.finish,
    abandon: table.abandon,
  };
}

/** Encodes hits of one bucket as a file in memory, as `createHits` would write it. */
export function encodeHits(batch: HitBatch, metadata: Record<string, string>): Promise<Uint8Array<ArrayBuffer>> {
  return encodeTable(hitsOptions(metadata, batch.pValues !== undefined), ...columnsOf(batch));
}

function columnsOf({
  queryIds,
  targetIds,
  distances,
  bucket,
  pValues,
}: HitBatch): [rows: number, columns: ColumnData[]] {
  const rows = columnLength(queryIds);
  if (columnLength(targetIds) !== rows || distances.length !== rows)
    throw new RangeError(`hits of ${rows} queries, ${columnLength(targetIds)} targets, ${distances.length} distances`);
  const chances = pValues ? [{ values: pValues }] : [];
  return [rows, [queryIds, targetIds, { values: distances }, repeatText(bucket, rows), ...chances]];
}

/**
 * Writes sorted hits of any buckets: the result of one merge pass, which the next pass reads.
 * @param metadata key-value metadata of the file
 * @param hasPValues whether p-values are the only extra column of the batches
 * @returns its size in bytes
 */
export async function writeHits(
  path: string,
  batches: AsyncIterable<NeighbourColumns>,
  metadata: Record<string, string> = {},
  hasPValues = false,
): Promise<number> {
  const table = await createTable(path, hitsOptions(metadata, hasPValues));
  try {
    for await (const batch of batches)
      await table.append(hitRows(batch), [
        ...[batch.queryIds, batch.targetIds, { values: batch.distances }, batch.buckets],
        ...(batch.extra ?? []),
      ]);
    return await table.finish();
  } catch (error) {
    await table.abandon();
    throw error;
  }
}

function hitsOptions(metadata: Record<string, string>, hasPValues: boolean): TableOptions {
  return {
    columns: [
      { name: 'query_id', type: new Utf8(), dictionary: true },
      { name: 'target_id', type: new Utf8(), dictionary: false },
      { name: 'distance', type: new Float32(), dictionary: false },
      { name: 'bucket', type: new Utf8(), dictionary: true, compressed: false },
      ...(hasPValues ? [{ name: P_VALUE.name, type: new Float32(), dictionary: false }] : []),
    ],
    compression: 'zstd',
    rowGroupRows: HITS_ROW_GROUP,
    metadata: { ...metadata, ...ORDERED_BY },
  };
}
