import { numberCells } from '../../base/columns/cells.ts';
import type { H5Metadata, H5Module } from '../hdf5/h5wasm.ts';
import { readBox } from '../hdf5/library.ts';
import type { Located } from '../hdf5/locate.ts';
import { integerTooLarge } from './column-messages.ts';
import type { ReadColumn } from './text-reader.ts';

/** How a shard stores the numbers of a column. */
export interface NumberLayout {
  /** The shard and the dataset, for messages. */
  path: string;
  name: string;
  located: Located;
  type: 'int64' | 'float64';
  metadata: Pick<H5Metadata, 'size' | 'signed' | 'littleEndian'>;
}

/** Returns a reader of numbers, as cells of 8 bytes. NaN, by which numpy and pandas mark what is missing, becomes null. */
export function numberReader(module: H5Module, layout: NumberLayout): ReadColumn {
  const { path, name, type, metadata } = layout;
  return (start, count) => {
    const bytes = new Uint8Array(count * metadata.size);
    readBox(module, layout, [start], [count], start, count, bytes);
    const view = new DataView(bytes.buffer);
    if (type === 'float64') {
      const values = new Float64Array(count);
      for (let row = 0; row < count; row++) values[row] = floatAt(view, row, metadata);
      return numberCells(values, (row) => Number.isNaN(values[row]));
    }
    const values = new BigInt64Array(count);
    for (let row = 0; row < count; row++) {
      const value = integerAt(view, row, metadata);
      values[row] = value;
      if (values[row] !== value) throw integerTooLarge(path, name, start + row, value);
    }
    return numberCells(values, () => false);
  };
}

type Stored = NumberLayout['metadata'];

function floatAt(view: DataView, row: number, { size, littleEndian }: Stored): number {
  return size === 4 ? view.getFloat32(row * 4, littleEndian) : view.getFloat64(row * 8, littleEndian);
}

function integerAt(view: DataView, row: number, { size, signed, littleEndian }: Stored): bigint {
  const at = row * size;
  if (size === 8) return signed ? view.getBigInt64(at, littleEndian) : view.getBigUint64(at, littleEndian);
  if (size === 4) return BigInt(signed ? view.getInt32(at, littleEndian) : view.getUint32(at, littleEndian));
  if (size === 2) return BigInt(signed ? view.getInt16(at, littleEndian) : view.getUint16(at, littleEndian));
  return BigInt(signed ? view.getInt8(at) : view.getUint8(at));
}
