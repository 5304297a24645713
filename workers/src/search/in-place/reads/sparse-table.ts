import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import type { Table } from '@lancedb/lancedb';
import { hasChecksum } from '../../../base/bytes/checksum.ts';
import { openScratch } from '../../../base/files/scratch.ts';
import type { AnnQuery, OpenBucket } from '../../../bucket/open-bucket.ts';
import { folderReader } from '../../../database/node/folder-reader.ts';
import { probedPartitions } from './rank-centroids.ts';
import { SparseCodes } from './sparse-codes.ts';
import { SparseData } from './sparse-data.ts';
import { SparseFile } from './sparse-file.ts';

/** Candidates beyond the last, which may be as near as it. */
const TIES = 16;

/** A copy of a table in place that has only what queries need, with the milliseconds of its steps. */
export interface SparseTable {
  table: Table;
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
      await file.fill([{ offset: 0, bytes: file.size }], 0);
      await file.close();
      // A table that is built again may have another file of this name.
      const content = await readFile(file.path);
      if (!hasChecksum(content, fileOf(part).checksum)) throw new RangeError(`lance: another ${part}`);
    };
    const startedMs = performance.now();
    const parts = [bucket.partitions(), create('/auxiliary.idx'), whole('.manifest'), whole('/index.idx')] as const;
    // After a failure, none of them may create a file again in the folder that is removed.
    await Promise.allSettled(parts);
    const [{ centroids, firstRows }, codeFile] = await Promise.all(parts);
    const codes = await SparseCodes.open(codeFile, bucket, firstRows);
    const data = new SparseData(bucket, scratch.folder);
    const table = await folderReader(scratch.folder).open(entry.bucket);
    milliseconds.centroids = performance.now() - startedMs;
    const stored = { ...centroids, vectors: asStored(centroids.vectors, entry.vectorType) };
    return {
      table,
      milliseconds,
      async prepare(query) {
        const beginMs = performance.now();
        const { vector, nprobes, refineFactor } = query;
        const asked = asStored(vector, entry.vectorType);
        await codes.fill(probedPartitions(asked, stored, entry.metric, nprobes, entry.vectorType));
        const codesMs = performance.now();
        const rows = await candidates(table, query, entry.metric);
        // All rows of a partition that was not read have the id 0.
        const isWhole = rows.reduce((count, row) => count + (row === 0 ? 1 : 0), 0) <= (codes.hasFirstRow ? 1 : 0);
        if (isWhole) await data.fill(rows, refineFactor > 0);
        milliseconds.codes += codesMs - beginMs;
        milliseconds.rescoring += performance.now() - codesMs;
        return isWhole;
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

/** Rounds vectors to the type in which the table and its index store them. */
function asStored(vectors: Float32Array, vectorType: string): Float32Array {
  return vectorType === 'float16' ? Float32Array.from(new Float16Array(vectors)) : vectors;
}

/** Returns the rows that a query rescores: the nearest by their codes, and all that tie with the last of them. */
async function candidates(
  table: Table,
  { vector, nprobes, limit, refineFactor }: AnnQuery,
  metric: 'cosine' | 'l2' | 'dot',
): Promise<Float64Array> {
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
    if (distances.length === most && distances.at(-1) === last) continue;
    const rows = found.getChild('_rowid')!.toArray() as BigUint64Array;
    const isNear = (_: unknown, row: number) => row < wanted || distances[row] === last;
    return Float64Array.from(Array.from(rows, Number).filter(isNear));
  }
}
