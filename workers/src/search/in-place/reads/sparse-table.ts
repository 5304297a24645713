import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import type { Table } from '@lancedb/lancedb';
import { hasChecksum } from '../../../base/bytes/checksum.ts';
import { openScratch } from '../../../base/files/scratch.ts';
import { fragmentBlocks, type RowSpan, rowIdsOf } from '../../../bucket/fragment-blocks.ts';
import type { AnnQuery, OpenBucket, PartialCopy } from '../../../bucket/open-bucket.ts';
import { folderReader } from '../../../database/node/folder-reader.ts';
import type { Metric } from '../../../vectors/metric.ts';
import { COMPONENT_BYTES } from '../../../vectors/vector-type.ts';
import { rankRows } from '../../output/rank-rows.ts';
import { probedPartitions } from './rank-centroids.ts';
import { SPARE_SHARE } from './row-reads.ts';
import { rowScorer } from './row-scorer.ts';
import { SparseCodes } from './sparse-codes.ts';
import { SparseData } from './sparse-data.ts';
import { SparseFile } from './sparse-file.ts';

/** Candidates beyond the last, which may be as near as it. */
const TIES = 16;
const NO_TEXT = new Uint8Array(0);

/** A copy of a table in place that has only what queries need, with the milliseconds of its steps. */
export interface SparseTable {
  table: Table;
  /** Answers a query. @returns undefined where only LanceDB can: for its order of ties, or for vectors of a type that it alone scores */
  answer: PartialCopy['answer'];
  /** Reads what a query needs. @returns false if LanceDB probed other partitions than those that were read */
  prepare(query: AnnQuery): Promise<boolean>;
  milliseconds: Record<'centroids' | 'codes' | 'rescoring', number>;
  /** Bytes of the copy. */
  filledBytes(): Promise<number>;
  close(): Promise<void>;
}

/** Returns whether the files of a bucket's table have the form that is read here. */
export function canReadSparsely({ entry, database }: OpenBucket): boolean {
  const { fragments, partitions, index } = entry;
  return (
    database.tables.folder === undefined &&
    fragments !== undefined &&
    partitions !== undefined &&
    index.kind === 'ivf-rq' &&
    index.centroids === 'order'
  );
}

/**
 * Opens a copy of a bucket's table in which LanceDB answers queries: before each, the codes of the partitions that it probes are read,
 * then the vectors and ids of the candidates, by ranges. LanceDB computes the same answer as from the whole table.
 * @param bucket for which `canReadSparsely`
 */
export async function openSparseTable(bucket: OpenBucket): Promise<SparseTable> {
  const { entry, database } = bucket;
  const milliseconds = { centroids: 0, codes: 0, rescoring: 0 };
  const scratch = await openScratch(tmpdir(), `${entry.bucket}.asked`);
  const files: SparseFile[] = [];
  try {
    const fileOf = (part: string) => entry.files.find((file) => file.path.endsWith(part))!;
    const create = async (part: string) => {
      const { path, bytes } = fileOf(part);
      const place = `${entry.bucket}.lance/${path}`;
      const source = await database.tables.openFile(place);
      const file = await SparseFile.create(`${scratch.folder}/${place}`, bytes, source);
      files.push(file);
      return file;
    };
    const whole = async (part: string) => {
      const file = await create(part);
      await file.fill([{ offset: 0, bytes: file.size }]);
      await file.close();
      // A table that is built again may have another file of this name.
      const content = await readFile(file.path);
      if (!hasChecksum(content, fileOf(part).checksum)) throw new RangeError(`lance: another ${part}`);
    };
    const startedMs = performance.now();
    const [{ centroids, firstRows }, codeFile] = await allEnded([
      bucket.partitions(),
      create('/auxiliary.idx'),
      whole('.manifest'),
      whole('/index.idx'),
      ...entry.files.filter(({ path }) => path.startsWith('_deletions/')).map(({ path }) => whole(path)),
    ] as const);
    const codes = await SparseCodes.open(codeFile, bucket, firstRows);
    const data = new SparseData(bucket, scratch.folder);
    const table = await folderReader(scratch.folder).open(entry.bucket);
    milliseconds.centroids = performance.now() - startedMs;
    const stored = { ...centroids, vectors: asStored(centroids.vectors, entry.vectorType) };
    const probedBy = ({ vector, nprobes }: AnnQuery) =>
      probedPartitions(asStored(vector, entry.vectorType), stored, entry.metric, nprobes, entry.vectorType);
    const firstPartition = firstRows.findIndex((_, partition) => firstRows[partition + 1]! > 0);
    // All rows of a partition that was not read have the id 0.
    // If that row is deleted, LanceDB finds none of them.
    const areRead = (rows: Float64Array, probed: Int32Array) =>
      !bucket.deleted?.has(0) &&
      rows.reduce((count, row) => count + (row === 0 ? 1 : 0), 0) <= (probed.includes(firstPartition) ? 1 : 0);
    const rowsIn = (partition: number) => firstRows[partition + 1]! - firstRows[partition]!;
    const candidatesOf = async (query: AnnQuery, probed: Int32Array, withTies: boolean) => {
      const beginMs = performance.now();
      const heldRows = await codes.fill(probed);
      milliseconds.codes += performance.now() - beginMs;
      const rows = await candidates(table, query, entry.metric, withTies);
      if (!rows || !areRead(rows, probed)) return undefined;
      const probedRows = probed.reduce((sum, partition) => sum + rowsIn(partition), 0);
      // In vectors; codes that are there leave half of their bytes to rows between those that are needed.
      const rowsOfCodes = (codedRows: number) =>
        (codedRows * (entry.dimension / 8 + 8)) / (COMPONENT_BYTES[entry.vectorType] * entry.dimension);
      const spareRows = SPARE_SHARE * (rows.length + rowsOfCodes(probedRows)) + rowsOfCodes(heldRows) / 2;
      return { rows: rows.sort(), spareRows };
    };
    const rescorer = entry.vectorType === 'float32' ? rowScorer(entry.metric, entry.dimension) : undefined;
    return {
      table,
      milliseconds,
      async answer(query) {
        const scorer = query.refineFactor > 0 ? await rescorer : undefined;
        if (!scorer) return undefined;
        const probed = probedBy(query);
        const spans = [...probed]
          .sort((a, b) => a - b)
          .map((partition) => ({ first: firstRows[partition]!, end: firstRows[partition + 1]! }));
        const probedRows = spans.reduce((sum, { first, end }) => sum + end - first, 0);
        // Which partitions are probed is certain, and all of their rows are candidates: the codes are not needed.
        const areAll =
          probed.length <= Math.min(query.nprobes, centroids.count) && query.limit * query.refineFactor >= probedRows;
        const found = areAll
          ? { rows: rowsOf(spans, bucket), spareRows: SPARE_SHARE * probedRows }
          : await candidatesOf(query, probed, false);
        if (!found) return undefined;
        const { rows, spareRows } = found;
        const beginMs = performance.now();
        // With few candidates, the ids of the nearest alone need fewer requests.
        const filling = areAll ? data.fill(rows) : undefined;
        const [distances] = await allEnded([
          scorer.score(query.vector, rows, spareRows, (read, into) => data.readVectors(read, into)),
          filling,
        ]);
        const nearest = nearestRows(distances, query.limit);
        const rowIds = nearest?.map((place) => rows[place]!);
        const answer = rowIds && {
          ids: await data.ids(rowIds),
          distances: Float32Array.from(nearest!, (place) => distances[place]!),
          rowIds,
        };
        milliseconds.rescoring += performance.now() - beginMs;
        return answer;
      },
      async prepare(query) {
        const found = await candidatesOf(query, probedBy(query), true);
        if (!found) return false;
        const beginMs = performance.now();
        await allEnded([
          data.fill(found.rows),
          query.refineFactor > 0 ? data.fillVectors(found.rows, found.spareRows) : undefined,
        ]);
        milliseconds.rescoring += performance.now() - beginMs;
        return true;
      },
      filledBytes: async () => codeFile.filledBytes + (await data.filledBytes()),
      async close() {
        table.close();
        await codeFile.close();
        await data.close();
        await scratch.close();
      },
    };
  } catch (error) {
    await Promise.allSettled(files.map((file) => file.close()));
    await scratch.close();
    throw error;
  }
}

/** Waits for reads until all have ended, because none may create a file in a folder that is removed. @throws the first failure */
async function allEnded<T extends readonly unknown[]>(reads: T): Promise<{ [I in keyof T]: Awaited<T[I]> }> {
  await Promise.allSettled(reads);
  return Promise.all(reads) as Promise<{ [I in keyof T]: Awaited<T[I]> }>;
}

/** Rounds vectors to the type in which the table and its index store them. */
function asStored(vectors: Float32Array, vectorType: string): Float32Array {
  return vectorType === 'float16' ? Float32Array.from(new Float16Array(vectors)) : vectors;
}

/** Returns LanceDB's ids of rows that are not deleted. @param spans ascending */
function rowsOf(spans: readonly RowSpan[], { entry: { fragments }, deleted }: OpenBucket): Float64Array {
  const ids = new Float64Array(spans.reduce((sum, { first, end }) => sum + end - first, 0));
  let at = 0;
  for (const { parts, rows } of fragmentBlocks(spans, fragments!, Number.MAX_SAFE_INTEGER)) {
    rowIdsOf(parts, ids.subarray(at, at + rows));
    at += rows;
  }
  return deleted ? ids.filter((row) => !deleted.has(row)) : ids;
}

/**
 * Returns the places of the nearest rows, ascending.
 * @returns undefined where more rows than `limit` are as near as the last of them, of which LanceDB returns any, or a distance is NaN
 */
function nearestRows(distances: Float32Array, limit: number): Float64Array | undefined {
  if (distances.some(Number.isNaN)) return undefined;
  const nearest = rankRows(distances, distances.length, limit + 1, () => NO_TEXT);
  if (nearest.length > limit && distances[nearest[limit]!] === distances[nearest[limit - 1]!]) return undefined;
  return Float64Array.from(nearest.subarray(0, limit)).sort();
}

/**
 * Returns the rows that a query rescores: the nearest by their codes.
 * @param withTies adds all that tie with the last of them @returns undefined where others tie and none are added
 */
async function candidates(
  table: Table,
  { vector, nprobes, limit, refineFactor }: AnnQuery,
  metric: Metric,
  withTies: boolean,
): Promise<Float64Array | undefined> {
  const wanted = limit * Math.max(1, refineFactor);
  for (let most = wanted + TIES; ; most *= 2) {
    const found = await table
      .query()
      .nearestTo(vector)
      .column('embedding')
      .distanceType(metric)
      .nprobes(nprobes)
      .limit(most)
      .select(['_distance'])
      .withRowId()
      .toArrow();
    if (found.numRows === 0) return new Float64Array(0);
    const distances = found.getChild('_distance')!.toArray() as Float32Array;
    const last = distances[Math.min(wanted, distances.length) - 1]!;
    const isTied = distances.length > wanted && distances[wanted] === last;
    if (isTied && !withTies) return undefined;
    if (isTied && distances.length === most && distances.at(-1) === last) continue;
    const rows = found.getChild('_rowid')!.toArray() as BigUint64Array;
    const isNear = (_: unknown, row: number) => row < wanted || distances[row] === last;
    return Float64Array.from(Array.from(rows, Number).filter(isNear));
  }
}
