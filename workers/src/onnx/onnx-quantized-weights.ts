import { type FileHandle, open } from 'node:fs/promises';
import { DataError } from '../base/errors.ts';
import { writeAt } from '../base/files/write-atomically.ts';
import { quantizeMatrix } from './quantize-weights.ts';
import type { StoredTensor } from './safetensors.ts';

/** Rows of a stored matrix, and the byte offsets of their 8-bit form. */
export interface QuantizationJob {
  /** The tensor's name, for messages. */
  name: string;
  tensor: StoredTensor;
  /** Rows [start, end) of the tensor. */
  start: number;
  end: number;
  columns: number;
  /** float32 [end - start] */
  scalesOffset: number;
  /** int8 [columns, end - start] */
  bytesOffset: number;
}

/** A tensor of one dimension that the graph uses as stored. */
export interface PlainTensor {
  name: string;
  tensor: StoredTensor;
}

/**
 * Reads each matrix, rounds it to 8 bits and writes it to `path`. Memory: one matrix.
 * @param plain the other tensors of the graph, which are only checked
 * @throws DataError if a weight is NaN or larger than LARGEST_WEIGHT
 */
export async function writeQuantizedWeights(
  path: string,
  jobs: readonly QuantizationJob[],
  plain: readonly PlainTensor[],
): Promise<void> {
  const sources = new Map<string, FileHandle>();
  const read = async (tensor: StoredTensor, start: number, end: number, columns: number) => {
    const source = sources.get(tensor.path) ?? (await open(tensor.path, 'r'));
    sources.set(tensor.path, source);
    return readRows(source, tensor, start, end, columns);
  };
  const target = await open(path, 'w');
  try {
    for (const { name, tensor } of plain) requireUsable(await read(tensor, 0, tensor.shape[0]!, 1), name, tensor, 0);
    for (const job of jobs) {
      const { name, tensor, start, end, columns } = job;
      const values = await read(tensor, start, end, columns);
      const { bytes, scales } = quantizeMatrix(values, end - start, columns);
      // The scale of a row is NaN if one of its weights is.
      requireUsable(scales, name, tensor, start);
      await writeAt(target, new Uint8Array(scales.buffer), job.scalesOffset);
      await writeAt(target, new Uint8Array(bytes.buffer), job.bytesOffset);
    }
  } finally {
    await target.close();
    for (const source of sources.values()) await source.close();
  }
}

/**
 * Far above any trained weight. Larger weights may overflow activations to NaN, which rounding to 8 bits turns into an ordinary
 * number: the vectors would be wrong without an error.
 */
const LARGEST_WEIGHT = 1e9;

function requireUsable(values: ArrayLike<number>, name: string, { path }: StoredTensor, firstRow: number): void {
  for (let row = 0; row < values.length; row++)
    if (!(Math.abs(values[row]!) <= LARGEST_WEIGHT))
      throw new DataError(
        `${path}: row ${firstRow + row} of tensor "${name}" has a weight that is NaN or larger than ${LARGEST_WEIGHT}. ` +
          'The file is damaged: copy the model again.',
      );
}

async function readRows(
  file: FileHandle,
  tensor: StoredTensor,
  start: number,
  end: number,
  columns: number,
): Promise<ArrayLike<number>> {
  const count = (end - start) * columns;
  const elementBytes = tensor.byteLength / (tensor.shape[0]! * columns);
  const bytes = new Uint8Array(count * elementBytes);
  const at = tensor.offset + start * columns * elementBytes;
  for (let done = 0; done < bytes.length; ) {
    const { bytesRead } = await file.read(bytes, done, bytes.length - done, at + done);
    if (bytesRead === 0)
      throw new DataError(`${tensor.path}: the file changed while it was read. Run the same command again.`);
    done += bytesRead;
  }
  switch (tensor.type) {
    case 'F16':
      return new Float16Array(bytes.buffer);
    case 'F64':
      return new Float64Array(bytes.buffer);
    case 'BF16':
      // The upper half of a float32.
      return new Float32Array(Uint32Array.from(new Uint16Array(bytes.buffer), (word) => word << 16).buffer);
    default:
      return new Float32Array(bytes.buffer);
  }
}
