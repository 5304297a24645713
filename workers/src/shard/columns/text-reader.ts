import { concatenateColumns, type Utf8Column } from '../../base/bytes/utf8-column.ts';
import { unpadded } from '../hdf5/file-bytes.ts';
import type { H5Module } from '../hdf5/h5wasm.ts';
import { failedRead, OutOfMemory } from '../hdf5/hdf5-messages.ts';
import { withBuffer } from '../hdf5/library.ts';
import type { Located } from '../hdf5/locate.ts';

/** Limit of the text that is read at once, if its size is known before: the library's memory never shrinks. */
const READ_BYTES = 32 * 2 ** 20;
/** Row counts of the first read of variable-length texts, whose size is unknown before they are read, and of any later read. */
const FIRST_TEXTS_PER_READ = 256;
const MAX_TEXTS_PER_READ = 16_384;

/** How a shard stores texts: ids, or a kept column. */
export interface TextLayout {
  /** The shard and the dataset, for messages. */
  path: string;
  name: string;
  located: Located;
  hasVariableLength: boolean;
  /** Bytes of a text of fixed length, or of the pointer to one of variable length. */
  textBytes: number;
  /** Padding of texts of fixed length: H5T_str_t. */
  padding: number;
}

/** Reads rows [start, start + count) of a column, or fewer, but at least one, if they reach `maxBytes`. */
export type ReadColumn = (start: number, count: number, maxBytes: number) => Utf8Column;

/**
 * Returns a reader of texts. It throws DataError for damage, and what `check` throws.
 * @param check called with the texts that were read and their first row
 */
export function textReader(
  module: H5Module,
  layout: TextLayout,
  check: (texts: Utf8Column, firstRow: number) => void,
): ReadColumn {
  const { hasVariableLength, textBytes } = layout;
  const read = hasVariableLength ? variableTexts : fixedTexts;
  let maxRows = hasVariableLength ? FIRST_TEXTS_PER_READ : Math.max(1, Math.floor(READ_BYTES / textBytes));
  return (start, count, maxBytes) => {
    const parts: Utf8Column[] = [];
    let byteLength = 0;
    for (let at = 0; at < count && (at === 0 || byteLength < maxBytes); ) {
      const wanted = Math.min(maxRows, count - at);
      const part = read(module, layout, start + at, wanted);
      check(part, start + at);
      parts.push(part);
      at += wanted;
      byteLength += part.bytes.length;
      if (hasVariableLength) maxRows = nextRowCount(wanted, part.bytes.length);
    }
    return parts.length === 1 ? parts[0]! : concatenateColumns(parts);
  };
}

/** Returns the row count of the next read if the last read had `rows` texts with `byteLength` bytes. */
function nextRowCount(rows: number, byteLength: number): number {
  const fitting = Math.floor((READ_BYTES * rows) / Math.max(1, byteLength));
  return Math.max(1, Math.min(fitting, rows * 8, MAX_TEXTS_PER_READ));
}

type ReadTextRows = (module: H5Module, layout: TextLayout, start: number, count: number) => Utf8Column;

/** Reads fixed-length texts. */
const fixedTexts: ReadTextRows = (module, layout, start, count) =>
  withBuffer(module, count * layout.textBytes, (address) => {
    readTextBytes(module, layout, start, count, address);
    const heap = module.HEAPU8;
    const rangeOf = (row: number): [number, number] => {
      const from = address + row * layout.textBytes;
      return [from, unpadded(heap, from, from + layout.textBytes, layout.padding)];
    };
    return gatherTexts(count, rangeOf, heap);
  });

/** Reads variable-length texts: the library fills an array of pointers to NUL-terminated strings, which it owns. */
const variableTexts: ReadTextRows = (module, layout, start, count) => {
  try {
    return withBuffer(module, count * layout.textBytes, (address) => {
      readTextBytes(module, layout, start, count, address);
      const heap = module.HEAPU8;
      const pointers = new DataView(heap.buffer);
      const rangeOf = (row: number): [number, number] => {
        const from = pointers.getUint32(address + row * layout.textBytes, true);
        return from === 0 ? [0, 0] : [from, heap.indexOf(0, from)];
      };
      try {
        return gatherTexts(count, rangeOf, heap);
      } finally {
        const { in: open, path } = layout.located;
        module.reclaim_vlen_memory_count(open.file.file_id, path, '', BigInt(address), [BigInt(count)]);
      }
    });
  } catch (error) {
    if (!(error instanceof OutOfMemory)) throw error;
    throw failedRead(layout.path, layout.name, start, count);
  }
};

function readTextBytes(
  module: H5Module,
  { path, name, located }: TextLayout,
  start: number,
  count: number,
  address: number,
) {
  const { file_id } = located.in.file;
  const to = BigInt(address);
  const status = module.get_dataset_data(file_id, located.path, [BigInt(count)], [BigInt(start)], [1n], to);
  if (status < 0) throw failedRead(path, name, start, count);
}

/** Copies the byte range of each row from `heap` into one column. */
function gatherTexts(count: number, rangeOf: (row: number) => [number, number], heap: Uint8Array): Utf8Column {
  const offsets = new Int32Array(count + 1);
  const starts = new Uint32Array(count);
  for (let row = 0; row < count; row++) {
    const [from, to] = rangeOf(row);
    starts[row] = from;
    offsets[row + 1] = offsets[row]! + (to - from);
  }
  const bytes = new Uint8Array(offsets[count]!);
  // Copies without creating a view for each text.
  const from = Buffer.from(heap.buffer, heap.byteOffset, heap.byteLength);
  for (let row = 0; row < count; row++) {
    const length = offsets[row + 1]! - offsets[row]!;
    from.copy(bytes, offsets[row]!, starts[row]!, starts[row]! + length);
  }
  return { offsets, bytes };
}
