import { createHash, randomUUID } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Progress } from '../app/progress.ts';
import { sharedArray, sharedCopy } from '../base/bytes/shared-array.ts';
import { mapConcurrently } from '../base/concurrency/map-concurrently.ts';
import { WrittenBytes } from '../base/concurrency/written-bytes.ts';
import { withThreadPool } from '../base/threads/thread-pool.ts';
import type { RowSpan } from '../bucket/fragment-blocks.ts';
import type { TableDescription } from '../database/catalog/catalog-entry.ts';
import type { Partitions } from '../database/partitions.ts';
import type { PublishEarly } from '../database/table-publisher.ts';
import { newestManifest, writeVersion } from '../lance/commit-table.ts';
import { addIndex, type NewIndex } from '../lance/format/add-index.ts';
import type { LanceColumn } from '../lance/format/file-format.ts';
import { LanceFileWriter } from '../lance/format/file-writer.ts';
import type { Metric } from '../vectors/metric.ts';
import { codePages, codeRanges } from './code-layout.ts';
import type { EncodeMethods, EncodeRequest, EncodeThreadData } from './encode-worker.ts';
import { FinishedPages } from './finished-pages.ts';
import {
  centroidMetadata,
  codeColumns,
  codeMetadata,
  encodeCentroids,
  encodePartitions,
  MARKER_COLUMN,
} from './ivf-rq.ts';
import { rotationSignBytes } from './rotation.ts';

/** Ranges per thread in the queue: one is encoded while the next waits. */
const REQUESTS_PER_THREAD = 2;

/** A table whose rows are in the order of their partitions, and whose data files hold the vectors of each fragment end to end. */
export interface OrderedTable {
  /** `.../<bucket>.lance`, without an index. */
  folder: string;
  vectorType: TableDescription['vectorType'];
  fragments: NonNullable<TableDescription['fragments']>;
  partitions: Partitions;
}

export interface BuildOptions {
  metric: Metric;
  progress: Progress;
  threads: number;
  publish?: PublishEarly;
}

/**
 * Builds LanceDB's IVF_RQ index over the partitions of a table's rows, without LanceDB's training, whose k-means finds worse
 * partitions and costs more than the order did (docs/adr/0011). Threads read and encode ranges of rows in one pass; the files do not
 * depend on the number of threads. They are written to the table's folder, the new manifest last; the codes can be published while
 * they are written.
 * @returns the table's version
 * @throws DataError if a data file is missing or too short
 */
export async function buildIvfRq(table: OrderedTable, options: BuildOptions): Promise<number> {
  const { folder, vectorType } = table;
  const { metric } = options;
  const { centroids, firstRows } = table.partitions;
  const uuid = randomUUID();
  const indexFolder = join(folder, '_indices', uuid);
  await mkdir(indexFolder, { recursive: true });
  const codeBytes = await writeCodes(`_indices/${uuid}/auxiliary.idx`, table, options);
  const writer = await LanceFileWriter.create(join(indexFolder, 'index.idx'), [MARKER_COLUMN]);
  const centroidBytes = await writer.writeMetadata(centroidMetadata(metric, centroids.count), [
    encodeCentroids(centroids, vectorType),
  ]);
  await writer.finish();
  const files = [
    { path: 'auxiliary.idx', bytes: codeBytes },
    { path: 'index.idx', bytes: centroidBytes },
  ];
  return commit(folder, uuid, { metric, files, rowsPerPartition: Math.ceil(firstRows.at(-1)! / centroids.count) });
}

/** Writes the codes and factors of all rows in threads. @param name of the file in the table @returns its byte count */
async function writeCodes(
  name: string,
  table: OrderedTable,
  { metric, progress, threads, publish }: BuildOptions,
): Promise<number> {
  const path = join(table.folder, name);
  const { firstRows } = table.partitions;
  const data = threadData(path, table, metric);
  const { dimension, signs } = data.partitions;
  const columns = codeColumns(dimension);
  const writer = await LanceFileWriter.create(path, columns);
  try {
    const pages = new FinishedPages();
    const requests = requestsOf(writer, columns, firstRows, pages);
    const bytes = await writer.writeMetadata(codeMetadata(metric, dimension, signs), [encodePartitions(firstRows)]);
    const written = new WrittenBytes();
    publish?.({ path: name, bytes, written });
    const count = Math.min(threads, requests.length);
    const options = {
      name: 'index',
      count,
      requestsPerThread: REQUESTS_PER_THREAD,
      workerData: () => data,
      runsNativeCode: true,
    };
    await withThreadPool<EncodeMethods, void>(new URL('./encode-worker.ts', import.meta.url), options, async (pool) => {
      await pool.runInEach('fillRotation', (thread) => share(dimension, thread, count));
      await mapConcurrently(requests, count * REQUESTS_PER_THREAD, async (request) => {
        await pool.run('encode', request);
        written.announce(pages.finishRange(request.page));
        progress.add(request.range.end - request.range.first);
      });
    });
    written.announce(bytes);
    await writer.finish();
    return bytes;
  } catch (error) {
    await writer.close();
    throw error;
  }
}

function threadData(output: string, table: OrderedTable, metric: Metric): EncodeThreadData {
  const { folder, vectorType } = table;
  const { centroids, firstRows } = table.partitions;
  const { dimension, vectors } = centroids;
  return {
    partitions: {
      metric,
      dimension,
      // Rounded as the index stores them: residuals are differences from the rounded centroids.
      centroids: sharedCopy(vectorType === 'float16' ? new Float16Array(vectors) : vectors, Float32Array),
      firstRows: sharedCopy(firstRows, Float64Array),
      signs: rotationSigns(dimension),
      rotation: sharedArray(dimension * dimension, Float32Array),
    },
    vectorType,
    fragments: table.fragments.map(({ path, rows, offset }) => ({ path: join(folder, path), rows, offset })),
    output,
  };
}

/** Reserves the pages of the file and divides them into the ranges that threads write. */
function requestsOf(
  writer: LanceFileWriter,
  columns: readonly LanceColumn[],
  firstRows: Float64Array,
  pages: FinishedPages,
): (EncodeRequest & { page: number })[] {
  return codePages(firstRows).flatMap((page, number) => {
    const places = writer.reserve(page.end - page.first);
    const ranges = codeRanges(page, firstRows);
    const last = places.at(-1)!;
    pages.add(ranges.length, last.offset + last.bytes);
    return ranges.map((range) => ({
      page: number,
      range,
      positions: places.map(({ offset }, i) => offset + (range.first - page.first) * columns[i]!.width),
    }));
  });
}

/** Returns the random bits of the rotation, the same in every build. */
function rotationSigns(dimension: number): Uint8Array {
  const length = rotationSignBytes(dimension);
  return createHash('shake256', { outputLength: length }).update(`rotation of ${dimension}`).digest();
}

/** Returns a thread's share of [0, count). */
function share(count: number, thread: number, threads: number): RowSpan {
  return { first: Math.floor((count * thread) / threads), end: Math.floor((count * (thread + 1)) / threads) };
}

/** Adds the index to the table by a new manifest. @returns its version */
async function commit(
  folder: string,
  uuid: string,
  index: Pick<NewIndex, 'metric' | 'files' | 'rowsPerPartition'>,
): Promise<number> {
  const { version, bytes } = addIndex(await newestManifest(folder), {
    uuid: Buffer.from(uuid.replaceAll('-', ''), 'hex'),
    name: 'embedding_idx',
    column: 'embedding',
    ...index,
    createdMs: Date.now(),
  });
  await writeVersion(folder, version, bytes);
  return version;
}
