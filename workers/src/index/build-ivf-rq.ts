import { createHash, randomUUID } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Table } from '@lancedb/lancedb';
import type { Progress } from '../app/progress.ts';
import { partitionOf } from '../base/bytes/partition-of.ts';
import { readAhead } from '../base/concurrency/read-ahead.ts';
import { openRowSource, type RowSource } from '../bucket/row-source.ts';
import type { TableDescription } from '../database/catalog/catalog-entry.ts';
import { folderReader } from '../database/node/folder-reader.ts';
import type { Partitions } from '../database/partitions.ts';
import { newestManifest, writeVersion } from '../lance/commit-table.ts';
import { addIndex, type NewIndex } from '../lance/format/add-index.ts';
import { LanceFileWriter } from '../lance/format/file-writer.ts';
import { GraphBuilder } from '../onnx/graph-builder.ts';
import { createProductSession, Tensor } from '../onnx/product-session.ts';
import type { Metric } from '../vectors/metric.ts';
import {
  centroidMetadata,
  codeColumns,
  codeMetadata,
  encodeCentroids,
  encodePartitions,
  MARKER_COLUMN,
} from './ivf-rq.ts';
import { packPartitions } from './pack-codes.ts';
import { allocateCodes, encodeRows, quantizeResiduals, RESIDUAL_ZERO } from './rabitq.ts';
import { quantizeMatrix, rotate, rotationMatrix, rotationSignBytes } from './rotation.ts';

/** Rows rotated at once, and rows of a page of the index. */
const BLOCK_ROWS = 4096;
const PAGE_ROWS = 65_536;
/** One block is rotated, one is read, one waits. */
const BUFFERS = 3;

/**
 * Gives a table, whose rows lie partition by partition, LanceDB's IVF_RQ index over these partitions, without LanceDB's own
 * training: its k-means finds worse partitions and costs more than the order did (docs/adr/0011). One pass over the rows,
 * in memory that does not depend on their number.
 * @param table without an index
 * @param parent `<bucket>.lance` is in there; the new files are written to it, the new manifest last
 * @returns the table's version
 */
export async function buildIvfRq(
  table: Table,
  parent: string,
  bucket: string,
  description: TableDescription,
  metric: Metric,
  partitions: Partitions,
  progress: Progress,
): Promise<number> {
  const folder = join(parent, `${bucket}.lance`);
  const uuid = randomUUID();
  const indexFolder = join(folder, '_indices', uuid);
  await mkdir(indexFolder, { recursive: true });
  const codes = join(indexFolder, 'auxiliary.idx');
  const centroids = join(indexFolder, 'index.idx');
  const signs = rotationSigns(description.dimension);
  const stored = { database: { tables: folderReader(parent) }, table, entry: { ...description, bucket } };
  const rooms = Array.from({ length: BUFFERS }, () => new Float32Array(BLOCK_ROWS * description.dimension));
  const source = openRowSource(stored, rooms);
  let codeBytes: number;
  try {
    codeBytes = await writeCodes(codes, source, description, metric, partitions, signs, progress);
  } finally {
    await source.close();
  }
  const writer = await LanceFileWriter.create(centroids, [MARKER_COLUMN]);
  const { count } = partitions.centroids;
  const centroidBytes = await writer.finish(centroidMetadata(metric, count), [
    encodeCentroids(partitions.centroids, description.vectorType),
  ]);
  const files = [
    { path: 'auxiliary.idx', bytes: codeBytes },
    { path: 'index.idx', bytes: centroidBytes },
  ];
  return commit(folder, uuid, { metric, files, rowsPerPartition: Math.ceil(description.rows / count) });
}

/** Random, but the same in every build. */
function rotationSigns(dimension: number): Uint8Array {
  const length = rotationSignBytes(dimension);
  return createHash('shake256', { outputLength: length }).update(`rotation of ${dimension}`).digest();
}

async function writeCodes(
  path: string,
  source: RowSource,
  { rows, vectorType }: TableDescription,
  metric: Metric,
  { centroids, firstRows }: Partitions,
  signs: Uint8Array,
  progress: Progress,
): Promise<number> {
  const { dimension } = centroids;
  // Residuals are from the centroids as they are stored.
  const stored = vectorType === 'float16' ? Float32Array.from(new Float16Array(centroids.vectors)) : centroids.vectors;
  const page = { rowIds: new BigUint64Array(PAGE_ROWS), ...allocateCodes(PAGE_ROWS, dimension) };
  const residuals = new Uint8Array(BLOCK_ROWS * dimension);
  const squares = new Float64Array(BLOCK_ROWS);
  const rotation = await createProductSession(rotationGraph(dimension, signs));
  const writer = await LanceFileWriter.create(path, codeColumns(dimension));
  /** The table's row that the page begins with, and how many rows are in it. */
  let pageFirst = 0;
  let filled = 0;
  let centroid: { partition: number; rotated: Float32Array } | undefined;

  const flush = async (): Promise<void> => {
    const packed = packPartitions(
      page.codes.subarray(0, (filled * dimension) / 8),
      dimension / 8,
      pageFirst,
      firstRows,
    );
    const done = (packed.length * 8) / dimension;
    const values = [page.rowIds, packed, page.add, page.scale];
    const bytes = values.map((column, i) =>
      i === 1 ? packed : new Uint8Array(column.buffer, column.byteOffset, done * column.BYTES_PER_ELEMENT),
    );
    await writer.append(done, bytes);
    page.codes.copyWithin(0, packed.length, (filled * dimension) / 8);
    for (const column of [page.rowIds, page.add, page.scale]) column.copyWithin(0, done, filled);
    pageFirst += done;
    filled -= done;
  };

  try {
    for await (const { span, vectors, rowIds, release } of readAhead(source.blocks(blocksOf(rows)))) {
      const blockRows = vectors.length / dimension;
      const parts = partsOf(span.first, blockRows, firstRows);
      for (const { partition, begin, end } of parts)
        quantizeResiduals(
          vectors.subarray(begin * dimension, end * dimension),
          stored.subarray(partition * dimension, (partition + 1) * dimension),
          metric === 'cosine',
          residuals.subarray(begin * dimension, end * dimension),
          squares.subarray(begin, end),
        );
      const feed = new Tensor('uint8', residuals.subarray(0, blockRows * dimension), [blockRows, dimension]);
      const { rotated } = await rotation.run({ residuals: feed });
      const products = rotated!.data as Int32Array;
      if (filled + blockRows > PAGE_ROWS) await flush();
      for (const { partition, begin, end } of parts) {
        if (centroid?.partition !== partition)
          centroid = { partition, rotated: rotatedCentroid(stored, partition, dimension, signs) };
        const rotatedRows = products.subarray(begin * dimension, end * dimension);
        encodeRows(rotatedRows, squares.subarray(begin, end), centroid.rotated, metric, page, filled + begin);
      }
      for (let row = 0; row < blockRows; row++) page.rowIds[filled + row] = BigInt(rowIds[row]!);
      filled += blockRows;
      progress.add(blockRows);
      release();
    }
    await flush();
    if (filled > 0) throw new Error(`${path}: the partitions have more rows than the table`);
    return await writer.finish(codeMetadata(metric, dimension, signs), [encodePartitions(firstRows)]);
  } catch (error) {
    await writer.close();
    throw error;
  } finally {
    await rotation.release();
  }
}

function* blocksOf(rows: number) {
  for (let first = 0; first < rows; first += BLOCK_ROWS) yield { first, end: Math.min(rows, first + BLOCK_ROWS) };
}

/** The rows of a block, by the partitions they belong to: partition, and rows [begin, end) of the block. */
function partsOf(first: number, rows: number, firstRows: Float64Array) {
  const parts: Array<{ partition: number; begin: number; end: number }> = [];
  let partition = partitionOf(first, firstRows);
  for (let begin = 0; begin < rows; ) {
    while (firstRows[partition + 1]! <= first + begin) partition++;
    const end = Math.min(rows, firstRows[partition + 1]! - first);
    parts.push({ partition, begin, end });
    begin = end;
  }
  return parts;
}

function rotatedCentroid(centroids: Float32Array, partition: number, dimension: number, signs: Uint8Array) {
  const centroid = centroids.slice(partition * dimension, (partition + 1) * dimension);
  rotate(centroid, signs);
  return centroid;
}

/** In 8-bit integers, several times faster than in float32. */
function rotationGraph(dimension: number, signs: Uint8Array) {
  const graph = new GraphBuilder();
  const residuals = graph.input('residuals', 'uint8', ['r', dimension]);
  const codes = quantizeMatrix(rotationMatrix(signs, dimension));
  const matrix = graph.initializer({
    name: 'rotation',
    type: 'int8',
    shape: [dimension, dimension],
    data: new Uint8Array(codes.buffer),
  });
  const zero = graph.initializer({ name: 'zero', type: 'uint8', shape: [], data: Uint8Array.of(RESIDUAL_ZERO) });
  graph.output('rotated', graph.op('MatMulInteger', [residuals, matrix, zero]), 'int32', ['r', dimension]);
  return graph.model();
}

/** Makes the index part of the table: a new manifest. @returns its version */
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
