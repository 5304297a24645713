import { type DatasetHeader, guardStructures } from '../hdf5/dataset-check.ts';
import type { H5Module } from '../hdf5/h5wasm.ts';
import { readBox } from '../hdf5/library.ts';
import { MESSAGE } from '../hdf5/object-header.ts';
import { isConverted, NUMBER_BYTES, type NumberType, numbersOf } from './number-type.ts';
import { placeInRows, rowRounder } from './row-rounder.ts';

/** A dataset with all vectors of a file. */
export interface VectorMatrix {
  dataset: DatasetHeader;
  rows: number;
  dimension: number;
  /** As stored in the file. */
  type: NumberType;
  /** Whether a column is a vector: [D, N]. */
  isTransposed: boolean;
}

/** Reads the vectors of rows [start, start + count): float32 or float16 as stored, other types as float32; little-endian. */
export type ReadVectors = (start: number, count: number, into: Uint8Array) => void;

/**
 * Returns a reader of vectors: directly from the file if they are contiguous and little-endian, otherwise through the library.
 * @param onNote receives what the user should know about the vectors, once
 */
export function vectorReader(
  module: H5Module,
  path: string,
  matrix: VectorMatrix,
  onNote: (note: string) => void,
): ReadVectors {
  const { dimension, type, isTransposed } = matrix;
  const readStored = isTransposed ? columnReader(module, path, matrix) : rowReader(module, path, matrix);
  if (!isConverted(type)) return readStored;
  const round = rowRounder(path, onNote);
  return (start, count, into) => {
    const stored = new Uint8Array(count * dimension * NUMBER_BYTES[type]);
    readStored(start, count, stored);
    const floats = new Float32Array(count * dimension);
    round(numbersOf(stored, type), floats, placeInRows(start, dimension));
    into.set(new Uint8Array(floats.buffer));
  };
}

function rowReader(module: H5Module, path: string, { dataset, dimension, type }: VectorMatrix): ReadVectors {
  const { name, located, storage, floatType } = dataset;
  const rowBytes = dimension * NUMBER_BYTES[type];
  const isExternal = dataset.messages.some((each) => each.type === MESSAGE.externalFiles);
  if (storage.kind === 'contiguous' && !isExternal && floatType?.byteOrder === 'little')
    return (start, count, into) =>
      guardStructures(path, name, () =>
        located.in.structures.readInto(storage.address + start * rowBytes, into.subarray(0, count * rowBytes)),
      );
  return (start, count, into) =>
    readBox(
      module,
      { path, name, located },
      [start, 0],
      [count, dimension],
      start,
      count,
      into.subarray(0, rowBytes * count),
    );
}

/** Returns a reader of the columns of a matrix, as rows. */
function columnReader(module: H5Module, path: string, { dataset, dimension, type }: VectorMatrix): ReadVectors {
  const { name, located } = dataset;
  const bytes = NUMBER_BYTES[type];
  const Elements = { 1: Uint8Array, 2: Uint16Array, 4: Uint32Array, 8: BigUint64Array }[bytes]!;
  return (start, count, into) => {
    const stored = new Uint8Array(count * dimension * bytes);
    readBox(module, { path, name, located }, [0, start], [dimension, count], start, count, stored);
    const columns = new Elements(stored.buffer);
    const rows = new Elements(columns.length);
    for (let component = 0; component < dimension; component++)
      for (let row = 0; row < count; row++) rows[row * dimension + component] = columns[component * count + row]!;
    into.set(new Uint8Array(rows.buffer));
  };
}
