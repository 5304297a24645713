import { open } from 'node:fs/promises';
import { DataError } from '../../base/errors.ts';
import type { HitColumns } from '../columns.ts';
import { P_VALUE } from '../evalues.ts';
import { HIT_MESSAGES } from '../hit-messages.ts';
import { createFloatDecoder, createTextDecoder, type StoredColumn } from './pages/column-chunk.ts';
import type { ParquetSource, RowGroup } from './parquet-file.ts';

/** Hits and their position in the file. */
export interface PlacedHits {
  rowGroup: number;
  /** Number, within the file, of the first row. */
  firstRow: number;
  hits: HitColumns;
}

/** Size of Parquet's magic number. */
const FILE_HEAD_BYTES = 4;

/**
 * Reads hits from a file that LanceFlow wrote, a row group at a time, and closes it; a batch is valid until the next is requested.
 * Merging keeps few of the rows that it reads, so this reader, unlike the library, does not copy texts after decompression, which is
 * three times as fast. It reads the encodings that `createTable` uses, and relies on contiguous column chunks.
 * @param withPValues whether to read the p-values, as the extra column
 * @throws DataError if the file is damaged
 */
export async function* readOwnHits(
  source: ParquetSource,
  withPValues: boolean,
): AsyncGenerator<PlacedHits, void, void> {
  const { path, rowGroups } = source;
  const file = await open(path);
  const [queries, targets, buckets] = [createTextDecoder(), createTextDecoder(), createTextDecoder()];
  const [floats, chances] = [createFloatDecoder(), createFloatDecoder()];
  let stored = new Uint8Array(0);
  let offset = FILE_HEAD_BYTES;
  let firstRow = 0;
  try {
    for (const [rowGroup, group] of rowGroups.entries()) {
      if (stored.length < group.compressedBytes) stored = new Uint8Array(Math.ceil(group.compressedBytes * 1.25));
      const { bytesRead } = await file.read(stored, 0, group.compressedBytes, offset);
      const column = (name: string) => storedColumn(group, name, stored.subarray(0, bytesRead));
      const hits = decoding(path, rowGroup, () => ({
        queryIds: queries(column('query_id')),
        targetIds: targets(column('target_id')),
        distances: floats(column('distance')),
        buckets: buckets(column('bucket')),
        ...(withPValues && { extra: [{ values: chances(column(P_VALUE.name)) }] }),
      }));
      yield { rowGroup, firstRow, hits };
      firstRow += group.rows;
      offset += group.compressedBytes;
    }
  } finally {
    await file.close();
    source.close();
  }
}

function storedColumn({ rows, columns }: RowGroup, name: string, bytes: Uint8Array): StoredColumn {
  let start = 0;
  for (const column of columns) {
    const end = start + column.compressedBytes;
    if (column.name === name) return { bytes: bytes.subarray(start, end), compression: column.compression, rows };
    start = end;
  }
  throw new RangeError(`no column ${name}`);
}

function decoding<T>(path: string, rowGroup: number, decode: () => T): T {
  try {
    return decode();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new DataError(HIT_MESSAGES.damaged(path, `row group ${rowGroup}`, reason), { cause: error });
  }
}
