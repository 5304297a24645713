import { join } from 'node:path';
import { readFields, readPacked } from '../base/bytes/protobuf.ts';
import { LanceFileReader } from '../lance/format/file-reader.ts';
import { indexFolder } from '../lance/format/index-file.ts';
import { toOlderForm } from './older-form.ts';
import { unpackCodes } from './pack-codes.ts';
import { rotate } from './rotation.ts';

/** Fields of pb.IVF and pb.Tensor: protos/index.proto of the Lance project. */
const IVF = { offsets: 2, lengths: 3, centroids: 4 };
const TENSOR = { type: 1, data: 3 };
const FLOAT16 = 1;
const FACTOR_BYTES = 4;

/** What is read of a quantizer's description. */
interface Quantizer {
  fast_rotation_signs: number[];
  code_dim: number;
  num_bits: number;
  packed: boolean;
  query_estimator?: string;
}

/**
 * Rewrites an IVF_RQ index that LanceDB made into the older form, which its older clients read too, in place: nothing
 * changes its size (docs/adr/0019).
 * @param folder `.../<bucket>.lance`, of a table with one index that nobody has open
 * @returns false where the index is laid out otherwise: it is left as it is
 */
export async function rewriteInOlderForm(folder: string): Promise<boolean> {
  const index = await indexFolder(folder);
  const centroids = await readCentroids(join(index, 'index.idx'));
  const file = await LanceFileReader.open(join(index, 'auxiliary.idx'), 'r+');
  try {
    const [description] = JSON.parse(file.metadata('storage_metadata') ?? '[]') as string[];
    const quantizer = JSON.parse(description ?? '{}') as Quantizer;
    if (quantizer.query_estimator !== 'raw_query' || quantizer.num_bits !== 1 || !quantizer.packed) return false;
    const dimension = quantizer.code_dim;
    const codeBytes = dimension / 8;
    const codes = await file.pages('_rabit_codes', codeBytes);
    const factors = await Promise.all(
      ['__add_factors', '__scale_factors'].map((name) => file.pages(name, FACTOR_BYTES)),
    );
    const descriptor = withoutEstimator(file.descriptor);
    if (!codes || !factors[0] || !factors[1] || !descriptor) return false;

    const ivf = readFields(await file.globalBuffer(Number(file.metadata('lance:ivf'))));
    const packed = (field: number) =>
      ivf.filter((each) => each.field === field).flatMap(({ bytes }) => readPacked(bytes));
    const lengths = packed(IVF.lengths);
    for (const [partition, first] of packed(IVF.offsets).entries()) {
      const rows = lengths[partition]!;
      const centroid = centroids.slice(partition * dimension, (partition + 1) * dimension);
      rotate(centroid, Uint8Array.from(quantizer.fast_rotation_signs));
      const rowCodes = new Uint8Array(rows * codeBytes);
      await file.readRows(codes, codeBytes, first, rowCodes);
      const [add, scale] = [new Float32Array(rows), new Float32Array(rows)];
      for (const [i, values] of [add, scale].entries())
        await file.readRows(factors[i]!, FACTOR_BYTES, first, new Uint8Array(values.buffer));
      toOlderForm(unpackCodes(rowCodes, codeBytes), centroid, add, scale);
      for (const [i, values] of [add, scale].entries())
        await file.replaceRows(factors[i]!, FACTOR_BYTES, first, new Uint8Array(values.buffer));
    }
    await file.replaceDescriptor(descriptor);
    await file.sync();
    return true;
  } finally {
    await file.close();
  }
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
