import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { columnFrom } from '../../workers/src/base/bytes/utf8-column.ts';
import { commitTable } from '../../workers/src/lance/commit-table.ts';
import { dataFileName } from '../../workers/src/lance/format/data-file-name.ts';
import { DataFileWriter, type WrittenDataFile } from '../../workers/src/lance/format/data-file-writer.ts';
import { tableSchema } from '../../workers/src/lance/table-schema.ts';
import type { VectorType } from '../../workers/src/vectors/vector-type.ts';
import { storedVectors } from './lance-table.ts';
import { type Rows, sliceRows } from './shards.ts';

/** Makes a table from data files that LanceFlow writes, committed once. @param sizes row count of each fragment */
export async function writeOwnTable(
  folder: string,
  name: string,
  rows: Rows,
  type: VectorType,
  sizes: readonly number[],
  pieceRows = Number.POSITIVE_INFINITY,
): Promise<{ version: number; files: Array<WrittenDataFile & { name: string }> }> {
  const data = join(folder, `${name}.lance/data`);
  await mkdir(data, { recursive: true });
  let start = 0;
  const files = sizes.map((size, i) => {
    const fragment = sliceRows(rows, start, start + size);
    start += size;
    const file = dataFileName('seed', i);
    return { name: file, ...writeDataFile(join(data, file), fragment, type, pieceRows) };
  });
  const version = await commitTable(folder, name, tableSchema(rows.dimension, type), files);
  return { version, files };
}

/** Writes rows as a data file. @param pieceRows row count of one append */
export function writeDataFile(
  path: string,
  rows: Rows,
  type: VectorType,
  pieceRows = Number.POSITIVE_INFINITY,
): WrittenDataFile {
  const { dimension } = rows;
  const count = rows.ids.length;
  const vectors = { name: 'embedding', type, dimension };
  const writer = new DataFileWriter(path, { vectors, texts: ['id'] }, count);
  for (let at = 0; at < count; at += pieceRows) {
    const piece = sliceRows(rows, at, Math.min(count, at + pieceRows));
    const stored = storedVectors(piece, type);
    const bytes = new Uint8Array(stored.buffer, stored.byteOffset, stored.byteLength);
    // Pieces need not end with a row.
    const third = Math.floor(bytes.length / 3);
    writer.append([bytes.subarray(0, third), new Uint8Array(0), bytes.subarray(third)], [columnFrom(piece.ids)]);
  }
  return writer.finish();
}
