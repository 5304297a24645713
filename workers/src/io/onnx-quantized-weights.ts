import { type FileHandle, open } from 'node:fs/promises';
import { quantizeMatrix } from '../core/onnx/quantize.ts';
import type { StoredTensor } from './safetensors.ts';

/** Rows of a stored matrix and the place of their 8-bit form in a file of its own. */
export interface QuantizationJob {
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

/** Reads each matrix, rounds it to 8 bits and writes it to `path`; one matrix is in memory at a time. */
export async function writeQuantizedWeights(path: string, jobs: readonly QuantizationJob[]): Promise<void> {
  const sources = new Map<string, FileHandle>();
  const target = await open(path, 'w');
  try {
    for (const job of jobs) {
      const { tensor, start, end, columns } = job;
      const source = sources.get(tensor.path) ?? (await open(tensor.path, 'r'));
      sources.set(tensor.path, source);
      const values = await readRows(source, tensor, start, end, columns);
      const { bytes, scales } = quantizeMatrix(values, end - start, columns);
      await target.write(new Uint8Array(scales.buffer), 0, scales.byteLength, job.scalesOffset);
      await target.write(new Uint8Array(bytes.buffer), 0, bytes.byteLength, job.bytesOffset);
    }
  } finally {
    await target.close();
    for (const source of sources.values()) await source.close();
  }
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
  await file.read(bytes, 0, bytes.length, tensor.offset + start * columns * elementBytes);
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
