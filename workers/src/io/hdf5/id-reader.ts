import { isUtf8 } from 'node:buffer';
import { columnBytes, columnLength, concatenateColumns, type Utf8Column } from '../../core/utf8-column.ts';
import { DataError } from '../../errors.ts';
import type { H5File, H5Module } from './h5wasm.ts';
import { failedRead, withBuffer } from './library.ts';

const PAD_NULL_TERMINATED = 0;
const PAD_SPACE = 2;
/** The library's memory ends at 2 GiB and never shrinks: long ids are read fewer at a time. */
const READ_BYTES = 32 * 2 ** 20;
/** Ids of variable length, of which nothing is known before they are read. */
const VARIABLE_IDS_PER_READ = 16_384;

/** How a shard stores its ids. */
export interface IdLayout {
  path: string;
  idsHaveVariableLength: boolean;
  /** Of a fixed-length id, or of the pointer to one of variable length. */
  idBytes: number;
  /** How fixed-length ids are padded: H5T_str_t. */
  idPad: number;
}

/** @returns reads the ids of rows [start, start + count). @throws DataError for damage, or an id that is not UTF-8 */
export function idReader(
  module: H5Module,
  file: H5File,
  layout: IdLayout,
): (start: number, count: number) => Utf8Column {
  const read = layout.idsHaveVariableLength ? variableIds : fixedIds;
  const most = layout.idsHaveVariableLength
    ? VARIABLE_IDS_PER_READ
    : Math.max(1, Math.floor(READ_BYTES / layout.idBytes));
  return (start, count) => {
    const parts: Utf8Column[] = [];
    for (let at = 0; at < count; at += most) {
      const part = read(module, file, layout, start + at, Math.min(most, count - at));
      checkUtf8(part, layout.path, start + at);
      parts.push(part);
    }
    return parts.length === 1 ? parts[0]! : concatenateColumns(parts);
  };
}

type ReadIds = (module: H5Module, file: H5File, layout: IdLayout, start: number, count: number) => Utf8Column;

/** Fixed-length ids, padded with NULs (what numpy writes) or spaces, or ended by the first NUL. */
const fixedIds: ReadIds = (module, file, { path, idBytes, idPad }, start, count) =>
  withBuffer(module, count * idBytes, (address) => {
    readIdBytes(module, file, path, start, count, address);
    const heap = module.HEAPU8;
    const pad = idPad === PAD_SPACE ? 0x20 : 0;
    const rangeOf = (row: number): [number, number] => {
      const from = address + row * idBytes;
      let to = from + idBytes;
      if (idPad === PAD_NULL_TERMINATED) for (to = from; to < from + idBytes && heap[to] !== 0; ) to++;
      else while (to > from && heap[to - 1] === pad) to--;
      return [from, to];
    };
    return gatherIds(count, rangeOf, heap);
  });

/** Variable-length ids: the library fills an array of pointers to NUL-terminated strings of its own. */
const variableIds: ReadIds = (module, file, { path, idBytes }, start, count) =>
  withBuffer(module, count * idBytes, (address) => {
    readIdBytes(module, file, path, start, count, address);
    const heap = module.HEAPU8;
    const pointers = new DataView(heap.buffer);
    const rangeOf = (row: number): [number, number] => {
      const from = pointers.getUint32(address + row * idBytes, true);
      return from === 0 ? [0, 0] : [from, heap.indexOf(0, from)];
    };
    try {
      return gatherIds(count, rangeOf, heap);
    } finally {
      module.reclaim_vlen_memory_count(file.file_id, 'id', '', BigInt(address), [BigInt(count)]);
    }
  });

function readIdBytes(module: H5Module, file: H5File, path: string, start: number, count: number, address: number) {
  const status = module.get_dataset_data(file.file_id, 'id', [BigInt(count)], [BigInt(start)], [1n], BigInt(address));
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
