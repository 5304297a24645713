import { join } from 'node:path';
import { readFields, readPacked } from '../../base/bytes/protobuf.ts';
import { sharedCopy } from '../../base/bytes/shared-array.ts';
import { withThreadPool } from '../../base/threads/thread-pool.ts';
import { LanceFileReader } from '../../lance/format/file-reader.ts';
import { indexFolder } from '../../lance/format/index-file.ts';
import { PACK_ROWS } from '../pack-codes.ts';
import { type IndexPartitions, OlderFactors, type PartitionRows } from './older-factors.ts';
import type { RewriteMethods } from './rewrite-worker.ts';

/** Fields of pb.IVF and pb.Tensor: protos/index.proto of the Lance project. */
const IVF = { offsets: 2, lengths: 3, centroids: 4 };
const TENSOR = { type: 1, data: 3 };
const FLOAT16 = 1;

/** Maximum rows that are rewritten at once: whole groups of packed codes. */
const MOST_ROWS = 512 * PACK_ROWS;
/** Rewriting fewer rows takes less time than starting a thread. */
const LEAST_ROWS_FOR_THREADS = 100_000;

/** The fields of a quantizer's description that are read. */
interface Quantizer {
  fast_rotation_signs: number[];
  code_dim: number;
  num_bits: number;
  packed: boolean;
  query_estimator?: string;
}

/**
 * Rewrites an IVF_RQ index that LanceDB made into the older form, which older clients read as well (docs/adr/0019). Sizes do not
 * change, so the files are rewritten in place; by threads if the table is large.
 * @param folder `.../<bucket>.lance`, of a table with one index that nobody has open
 * @returns false if the index has another layout: it is unchanged
 */
export async function rewriteInOlderForm(folder: string, threads: number): Promise<boolean> {
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

/** Rewrites the factors of all rows. @returns false if the columns have another layout */
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

/** Divides the rows of an index into pieces of at most MOST_ROWS. */
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

/** Reads the centroids of an index: [partitions, D]. */
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

/** Blanks the name of the newer form in a descriptor: without it, the form is the older one. */
function withoutEstimator(descriptor: Uint8Array): Uint8Array | undefined {
  const bytes = Buffer.from(descriptor);
  const named = ',\\"query_estimator\\":\\"raw_query\\"';
  const at = bytes.indexOf(named);
  return at < 0 ? undefined : bytes.fill(' ', at, at + named.length);
}
