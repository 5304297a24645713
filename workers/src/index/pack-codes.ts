import { partitionOf } from '../base/bytes/partition-of.ts';

/** Rows whose codes are interleaved, for look-ups of 16 at a time. */
export const PACK_ROWS = 32;
const PACK_ORDER = [0, 8, 1, 9, 2, 10, 3, 11, 4, 12, 5, 13, 6, 14, 7, 15];

/**
 * Packs the codes of consecutive rows, partition by partition, as far as it can be done without the rows that follow: of a
 * partition that goes on, only whole groups.
 * @param codes [rows, codeBytes]
 * @param first the table's row of the first; the beginning of a partition, or of a group within one
 * @param firstRows first row of each partition, and in the end the number of rows
 */
export function packPartitions(
  codes: Uint8Array,
  codeBytes: number,
  first: number,
  firstRows: Float64Array,
): Uint8Array {
  const end = first + codes.length / codeBytes;
  const packed = new Uint8Array(codes.length);
  let row = first;
  let partition = partitionOf(first, firstRows);
  while (row < end) {
    while (firstRows[partition + 1]! <= row) partition++;
    const partitionEnd = firstRows[partition + 1]!;
    const stop = partitionEnd <= end ? partitionEnd : end - ((end - row) % PACK_ROWS);
    const at = (row - first) * codeBytes;
    packed.set(packCodes(codes.subarray(at, (stop - first) * codeBytes), codeBytes), at);
    row = stop;
    if (stop < partitionEnd) break;
  }
  return packed.subarray(0, (row - first) * codeBytes);
}

/**
 * Lays the codes of one partition out as LanceDB's search reads them: of 32 rows each, byte by byte, the low halves of
 * rows 0 to 15 with those of 16 to 31, then the high halves; the rows that are left over column by column.
 * @param codes [rows, codeBytes], a partition from its first to its last row
 */
export function packCodes(codes: Uint8Array, codeBytes: number): Uint8Array {
  const rows = codes.length / codeBytes;
  const packedRows = rows - (rows % PACK_ROWS);
  const packed = new Uint8Array(codes.length);
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
  return packed;
}

/** Undoes `packCodes`. @param packed a partition from its first to its last row @returns [rows, codeBytes] */
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
