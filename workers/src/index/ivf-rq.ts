import { ProtobufWriter } from '../base/bytes/protobuf.ts';
import type { LanceColumn } from '../lance/format/file-format.ts';
import type { Centroids } from '../vectors/kmeans.ts';
import type { Metric } from '../vectors/metric.ts';
import type { VectorType } from '../vectors/vector-type.ts';

/**
 * Columns and metadata of the two files of LanceDB's IVF_RQ index (lance-index 12, protos/index.proto): `index.idx` has the
 * centroids, `auxiliary.idx` the codes, partition by partition.
 */

/** Numbers of pb.Tensor.DataType. */
const TENSOR_TYPE: Record<VectorType, number> = { float16: 1, float32: 2 };

/** Returns the columns of `auxiliary.idx`. */
export function codeColumns(dimension: number): LanceColumn[] {
  const factor = (name: string): LanceColumn => ({ name, type: 'float', width: 4 });
  return [
    { name: '_rowid', type: 'uint64', width: 8 },
    { name: '_rabit_codes', type: 'bytes', width: dimension / 8 },
    factor('__add_factors'),
    factor('__scale_factors'),
  ];
}

/** The only column of `index.idx`; it has no rows. */
export const MARKER_COLUMN: LanceColumn = { name: '__flat_marker', type: 'uint64', width: 8 };

/** Returns the metadata of `auxiliary.idx`, whose global buffer 1 has the partitions. */
export function codeMetadata(metric: Metric, dimension: number, signs: Uint8Array): Record<string, string> {
  const quantizer = {
    rotate_mat_position: null,
    fast_rotation_signs: [...signs],
    rotation_type: 'fast',
    code_dim: dimension,
    num_bits: 1,
    packed: true,
    query_estimator: 'residual_query',
  };
  return { distance_type: metric, 'lance:ivf': '1', storage_metadata: JSON.stringify([JSON.stringify(quantizer)]) };
}

/** Returns the metadata of `index.idx`, whose global buffer 1 has the centroids. */
export function centroidMetadata(metric: Metric, partitions: number): Record<string, string> {
  return {
    'lance:index': JSON.stringify({ type: 'IVF_RQ', distance_type: metric }),
    'lance:ivf': '1',
    'lance:flat': JSON.stringify(Array.from({ length: partitions }, () => '')),
  };
}

/** Encodes the row range of each partition in `auxiliary.idx`. @param firstRows first row of each partition, then the row count */
export function encodePartitions(firstRows: Float64Array): Uint8Array {
  const counts = Array.from(firstRows.subarray(1), (end, i) => end - firstRows[i]!);
  return new ProtobufWriter().packed(2, firstRows.subarray(0, -1)).packed(3, counts).finish();
}

/** Encodes the centroids for `index.idx`, in the type of the table's vectors. */
export function encodeCentroids({ count, dimension, vectors }: Centroids, type: VectorType): Uint8Array {
  const numbers = type === 'float16' ? new Float16Array(vectors) : vectors;
  const data = new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength);
  const none = Array.from({ length: count }, () => 0);
  return new ProtobufWriter()
    .packed(2, none)
    .packed(3, none)
    .message(4, (tensor) => tensor.integer(1, TENSOR_TYPE[type]).packed(2, [count, dimension]).bytes(3, data))
    .finish();
}
