import { isUtf8 } from 'node:buffer';
import { columnBytes, columnLength, concatenateColumns, type Utf8Column } from '../base/bytes/utf8-column.ts';
import { DataError } from '../base/errors.ts';
import { MAX_ID_BYTES } from '../base/limits.ts';
import type { H5Module } from './hdf5/h5wasm.ts';
import { failedRead, OutOfMemory, withBuffer } from './hdf5/library.ts';
import type { Located } from './hdf5/locate.ts';
import { unpadded } from './hdf5/text.ts';

/** Text that is read at once, as far as it is known before: the library's memory never shrinks. */
const READ_BYTES = 32 * 2 ** 20;
/** Ids of variable length, of which nothing is known before they are read: so few at first, and at most. */
const FIRST_IDS_PER_READ = 256;
const MOST_IDS_PER_READ = 16_384;

/** How a shard stores its ids. */
export interface IdLayout {
  /** What messages call the shard. */
  path: string;
  located: Located;
  idsHaveVariableLength: boolean;
  /** Of a fixed-length id, or of the pointer to one of variable length. */
  idBytes: number;
  /** How fixed-length ids are padded: H5T_str_t. */
  idPad: number;
}

/** Reads ids of a shard. */
export type ReadIds = (start: number, count: number, mostBytes: number) => Utf8Column;

/**
 * Makes a reader of the ids of rows [start, start + count): of fewer, at least one, where their text reaches `mostBytes`.
 * It throws DataError for damage, and for an id that is not UTF-8, is empty, or is longer than MAX_ID_BYTES.
 */
export function idReader(module: H5Module, layout: IdLayout): ReadIds {
  const { idsHaveVariableLength, idBytes } = layout;
  const read = idsHaveVariableLength ? variableIds : fixedIds;
  let most = idsHaveVariableLength ? FIRST_IDS_PER_READ : Math.max(1, Math.floor(READ_BYTES / idBytes));
  return (start, count, mostBytes) => {
    const parts: Utf8Column[] = [];
    let byteLength = 0;
    for (let at = 0; at < count && (at === 0 || byteLength < mostBytes); ) {
      const wanted = Math.min(most, count - at);
      const part = read(module, layout, start + at, wanted);
      checkIds(part, layout.path, start + at);
      parts.push(part);
      at += wanted;
      byteLength += part.bytes.length;
      if (idsHaveVariableLength) most = nextCount(wanted, part.bytes.length);
    }
    return parts.length === 1 ? parts[0]! : concatenateColumns(parts);
  };
}

/** How many ids to read next, after so many had so many bytes. */
function nextCount(rows: number, byteLength: number): number {
  const fitting = Math.floor((READ_BYTES * rows) / Math.max(1, byteLength));
  return Math.max(1, Math.min(fitting, rows * 8, MOST_IDS_PER_READ));
}

type ReadSome = (module: H5Module, layout: IdLayout, start: number, count: number) => Utf8Column;

/** Fixed-length ids. */
const fixedIds: ReadSome = (module, layout, start, count) =>
  withBuffer(module, count * layout.idBytes, (address) => {
    readIdBytes(module, layout, start, count, address);
    const heap = module.HEAPU8;
    const rangeOf = (row: number): [number, number] => {
      const from = address + row * layout.idBytes;
      return [from, unpadded(heap, from, from + layout.idBytes, layout.idPad)];
    };
    return gatherIds(count, rangeOf, heap);
  });

/** Variable-length ids: the library fills an array of pointers to NUL-terminated strings of its own. */
const variableIds: ReadSome = (module, layout, start, count) => {
  try {
    return withBuffer(module, count * layout.idBytes, (address) => {
      readIdBytes(module, layout, start, count, address);
      const heap = module.HEAPU8;
      const pointers = new DataView(heap.buffer);
      const rangeOf = (row: number): [number, number] => {
        const from = pointers.getUint32(address + row * layout.idBytes, true);
        return from === 0 ? [0, 0] : [from, heap.indexOf(0, from)];
      };
      try {
        return gatherIds(count, rangeOf, heap);
      } finally {
        const { in: open, path } = layout.located;
        module.reclaim_vlen_memory_count(open.file.file_id, path, '', BigInt(address), [BigInt(count)]);
      }
    });
  } catch (error) {
    if (!(error instanceof OutOfMemory)) throw error;
    throw failedRead(layout.path, 'id', start, count);
  }
};

function readIdBytes(module: H5Module, { path, located }: IdLayout, start: number, count: number, address: number) {
  const { file_id } = located.in.file;
  const to = BigInt(address);
  const status = module.get_dataset_data(file_id, located.path, [BigInt(count)], [BigInt(start)], [1n], to);
  if (status < 0) throw failedRead(path, 'id', start, count);
}

/** Copies the byte ranges of `heap` that `rangeOf` names into one column. */
function gatherIds(count: number, rangeOf: (row: number) => [number, number], heap: Uint8Array): Utf8Column {
  const offsets = new Int32Array(count + 1);
  const starts = new Uint32Array(count);
  for (let row = 0; row < count; row++) {
    const [from, to] = rangeOf(row);
    starts[row] = from;
    offsets[row + 1] = offsets[row]! + (to - from);
  }
  const bytes = new Uint8Array(offsets[count]!);
  for (let row = 0; row < count; row++) {
    const length = offsets[row + 1]! - offsets[row]!;
    bytes.set(heap.subarray(starts[row]!, starts[row]! + length), offsets[row]!);
  }
  return { offsets, bytes };
}

/** @throws DataError for the first id that cannot be one */
function checkIds(ids: Utf8Column, path: string, firstRow: number): void {
  for (let row = 0; row < columnLength(ids); row++) {
    const length = ids.offsets[row + 1]! - ids.offsets[row]!;
    if (length > 0 && length <= MAX_ID_BYTES) continue;
    throw new DataError(
      length === 0
        ? `${path}: row ${firstRow + row} has no id: it is empty, or was never written. Give every row an id, or remove the row.`
        : `${path}: the id of row ${firstRow + row} has ${length} bytes; at most ${MAX_ID_BYTES} are allowed. Shorten it.`,
    );
  }
  checkUtf8(ids, path, firstRow);
}

/** One look at all ids together: valid text that no id begins in the middle of a letter is valid id by id. */
function checkUtf8(ids: Utf8Column, path: string, firstRow: number): void {
  const begins = (row: number) => (ids.bytes[ids.offsets[row]!]! & 0xc0) !== 0x80;
  let valid = isUtf8(ids.bytes);
  for (let row = 0; valid && row < columnLength(ids); row++) valid = begins(row);
  if (valid) return;
  for (let row = 0; row < columnLength(ids); row++) {
    const id = columnBytes(ids, row);
    if (isUtf8(id)) continue;
    const shown = Buffer.from(id.subarray(0, 40)).toString('latin1');
    throw new DataError(
      `${path}: the id of row ${firstRow + row} (${JSON.stringify(shown)} in Latin-1) is not UTF-8. ` +
        `Write ids as UTF-8 (h5py: dtype=h5py.string_dtype("utf-8")).`,
    );
  }
}
