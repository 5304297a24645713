import { partitionOf } from '../base/bytes/partition-of.ts';
import type { RowSpan } from '../bucket/fragment-blocks.ts';

/** Rows whose codes are interleaved, so that a search looks up 16 at a time. */
export const PACK_ROWS = 32;
const PACK_ORDER = [0, 8, 1, 9, 2, 10, 3, 11, 4, 12, 5, 13, 6, 14, 7, 15];

/**
 * Packs the codes of consecutive rows, partition by partition.
 * @param codes [rows, codeBytes]; more rows may follow
 * @param range the table's rows; each end is that of a partition, or whole groups of PACK_ROWS into one
 * @param firstRows first row of each partition, then the row count
 * @param packed [rows, codeBytes], filled
 */
export function packPartitions(
  codes: Uint8Array,
  codeBytes: number,
  range: RowSpan,
  firstRows: Float64Array,
  packed: Uint8Array,
): void {
  let partition = partitionOf(range.first, firstRows);
  for (let row = range.first; row < range.end; ) {
    while (firstRows[partition + 1]! <= row) partition++;
    const end = Math.min(range.end, firstRows[partition + 1]!);
    const [from, to] = [(row - range.first) * codeBytes, (end - range.first) * codeBytes];
    packCodes(codes.subarray(from, to), codeBytes, packed.subarray(from, to));
    row = end;
  }
}

/**
 * Packs codes of one partition in the layout of LanceDB's search: for each group of 32 rows, byte by byte, the low halves of
 * rows 0 to 15 with those of rows 16 to 31, then the high halves; the remaining rows column by column.
 * @param codes [rows, codeBytes], up to the end of the partition or whole groups
 * @param packed [rows, codeBytes], filled
 */
export function packCodes(codes: Uint8Array, codeBytes: number, packed: Uint8Array): void {
  const rows = codes.length / codeBytes;
  const packedRows = rows - (rows % PACK_ROWS);
  for (let row = 0; row < packedRows; row += PACK_ROWS)
    for (let column = 0; column < codeBytes; column++) {
      const target = row * codeBytes + column * PACK_ROWS;
      for (let i = 0; i < 16; i++) {
        const source = (row + PACK_ORDER[i]!) * codeBytes + column;
        const low = codes[source]!;
        const high = codes[source + 16 * codeBytes]!;
        packed[target + i] = (low & 15) | ((high & 15) << 4);
        packed[target + i + 16] = (low >> 4) | (high & 0xf0);
      }
    }
  const left = rows - packedRows;
  for (let row = 0; row < left; row++)
    for (let column = 0; column < codeBytes; column++)
      packed[packedRows * codeBytes + column * left + row] = codes[(packedRows + row) * codeBytes + column]!;
}

/** Undoes `packCodes`. @param packed up to the end of the partition or whole groups @returns [rows, codeBytes] */
export function unpackCodes(packed: Uint8Array, codeBytes: number): Uint8Array {
  const rows = packed.length / codeBytes;
  const packedRows = rows - (rows % PACK_ROWS);
  const codes = new Uint8Array(packed.length);
  for (let row = 0; row < packedRows; row += PACK_ROWS)
    for (let column = 0; column < codeBytes; column++) {
      const source = row * codeBytes + column * PACK_ROWS;
      for (let i = 0; i < 16; i++) {
        const target = (row + PACK_ORDER[i]!) * codeBytes + column;
        const low = packed[source + i]!;
        const high = packed[source + i + 16]!;
        codes[target] = (low & 15) | ((high & 15) << 4);
        codes[target + 16 * codeBytes] = (low >> 4) | (high & 0xf0);
      }
    }
  const left = rows - packedRows;
  for (let row = 0; row < left; row++)
    for (let column = 0; column < codeBytes; column++)
      codes[(packedRows + row) * codeBytes + column] = packed[packedRows * codeBytes + column * left + row]!;
  return codes;
}
