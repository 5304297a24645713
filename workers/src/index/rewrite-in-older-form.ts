import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { readFields, readPacked } from '../base/bytes/protobuf.ts';
import { sharedCopy } from '../base/bytes/shared-array.ts';
import { withThreadPool } from '../base/threads/thread-pool.ts';
import { LanceFileReader } from '../lance/format/file-reader.ts';
import { indexFolder } from '../lance/format/index-file.ts';
import { type IndexPartitions, OlderFactors, type PartitionRows } from './older-factors.ts';
import { PACK_ROWS } from './pack-codes.ts';
import type { RewriteMethods } from './rewrite-worker.ts';

/** Fields of pb.IVF and pb.Tensor: protos/index.proto of the Lance project. */
const IVF = { offsets: 2, lengths: 3, centroids: 4 };
const TENSOR = { type: 1, data: 3 };
const FLOAT16 = 1;

/** Rows that are rewritten at once, at most: whole groups of packed codes. */
const MOST_ROWS = 512 * PACK_ROWS;
/** Fewer are rewritten before a thread has started. */
const LEAST_ROWS_FOR_THREADS = 100_000;

/** The description of a quantizer, as far as it is read. */
interface Quantizer {
  fast_rotation_signs: number[];
  code_dim: number;
  num_bits: number;
  packed: boolean;
  query_estimator?: string;
}

/**
 * Rewrites an IVF_RQ index that LanceDB made into the older form, which its older clients read too, in place: nothing
 * changes its size (docs/adr/0019). Where it has many rows, threads do it.
 * @param folder `.../<bucket>.lance`, of a table with one index that nobody has open
 * @returns false where the index is laid out otherwise: it is left as it is
 */
export async function rewriteInOlderForm(folder: string, threads: number = availableParallelism()): Promise<boolean> {
  const index = await indexFolder(folder);
  const path = join(index, 'auxiliary.idx');
  const file = await LanceFileReader.open(path, 'r+');
  try {
    const [description] = JSON.parse(file.metadata('storage_metadata') ?? '[]') as string[];
    const quantizer = JSON.parse(description ?? '{}') as Quantizer;
    const descriptor = withoutEstimator(file.descriptor);
    if (quantizer.query_estimator !== 'raw_query' || quantizer.num_bits !== 1 || !quantizer.packed || !descriptor)
      return false;
    const partitions = {
      path,
      dimension: quantizer.code_dim,
      centroids: sharedCopy(await readCentroids(join(index, 'index.idx')), Float32Array),
      signs: Uint8Array.from(quantizer.fast_rotation_signs),
    };
    if (!(await rewriteFactors(partitions, await rowsByPartition(file), threads))) return false;
    await file.replaceDescriptor(descriptor);
    await file.sync();
    return true;
  } finally {
    await file.close();
  }
}

/** @returns false where the columns are laid out otherwise */
async function rewriteFactors(partitions: IndexPartitions, all: PartitionRows[], threads: number): Promise<boolean> {
  const factors = await OlderFactors.open(partitions);
  if (!factors) return false;
  try {
    const rows = all.reduce((sum, { first, end }) => sum + end - first, 0);
    if (rows < LEAST_ROWS_FOR_THREADS) {
      for (const part of all) await factors.rewrite(part);
      return true;
    }
  } finally {
    await factors.close();
  }
  const options = { name: 'index', count: Math.min(threads, all.length), workerData: () => partitions };
  const module = new URL('./rewrite-worker.ts', import.meta.url);
  await withThreadPool<RewriteMethods, unknown>(module, options, (pool) => pool.runAll('rewrite', all));
  return true;
}

/** The rows of an index in pieces of at most MOST_ROWS. */
async function rowsByPartition(file: LanceFileReader): Promise<PartitionRows[]> {
  const ivf = readFields(await file.globalBuffer(Number(file.metadata('lance:ivf'))));
  const packed = (field: number) =>
    ivf.filter((each) => each.field === field).flatMap(({ bytes }) => readPacked(bytes));
  const lengths = packed(IVF.lengths);
  return packed(IVF.offsets).flatMap((offset, partition) =>
    Array.from({ length: Math.ceil(lengths[partition]! / MOST_ROWS) }, (_, i) => ({
      partition,
      first: offset + i * MOST_ROWS,
      end: offset + Math.min(lengths[partition]!, (i + 1) * MOST_ROWS),
    })),
  );
}

/** [partitions, D] */
async function readCentroids(path: string): Promise<Float32Array> {
  const file = await LanceFileReader.open(path);
  try {
    const ivf = readFields(await file.globalBuffer(Number(file.metadata('lance:ivf'))));
    const tensor = readFields(ivf.find(({ field }) => field === IVF.centroids)?.bytes ?? new Uint8Array());
    const type = Number(tensor.find(({ field }) => field === TENSOR.type)?.integer ?? 0);
    const data = Uint8Array.from(tensor.find(({ field }) => field === TENSOR.data)?.bytes ?? []);
    return type === FLOAT16 ? Float32Array.from(new Float16Array(data.buffer)) : new Float32Array(data.buffer);
  } finally {
    await file.close();
  }
}

/** The descriptor with spaces for the name of the newer form: without it, the older one is meant. */
function withoutEstimator(descriptor: Uint8Array): Uint8Array | undefined {
  const bytes = Buffer.from(descriptor);
  const named = ',\\"query_estimator\\":\\"raw_query\\"';
  const at = bytes.indexOf(named);
  return at < 0 ? undefined : bytes.fill(' ', at, at + named.length);
}
