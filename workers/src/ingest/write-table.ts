import { createHash } from 'node:crypto';
import { type FileHandle, open, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Progress } from '../app/progress.ts';
import { CRC64 } from '../base/bytes/checksum.ts';
import { checksumOfFile } from '../base/bytes/file-checksum.ts';
import type { Utf8Column } from '../base/bytes/utf8-column.ts';
import { checksumAround } from '../bucket/check-fragments.ts';
import type { FragmentFile } from '../database/catalog/catalog-entry.ts';
import { encodeBatch, tableSchema } from '../lance/arrow-batch.ts';
import { appendIpc, createTable } from '../lance/tables.ts';
import { MAX_BLOCK_ROWS } from '../shard/shard-blocks.ts';
import { COMPONENT_BYTES, type VectorType } from '../vectors/vector-type.ts';

/** Vectors of one append, which is one fragment of the table. Larger ones need more memory and gain nothing. */
const FRAGMENT_BYTES = 16 * 2 ** 20;

/** Rows of a fragment. */
export function fragmentRows(dimension: number): number {
  return Math.max(1, Math.min(MAX_BLOCK_ROWS, Math.floor(FRAGMENT_BYTES / (dimension * 4))));
}

export interface WrittenTable {
  rows: number;
  tableVersion: number;
  fragments: FragmentFile[] | undefined;
}

/**
 * Writes batches as a LanceDB table, in their order.
 * @param batches each becomes a fragment; its arrays are read before the next is asked for
 */
export async function writeTable(
  folder: string,
  name: string,
  { dimension, vectorType }: { dimension: number; vectorType: VectorType },
  batches: AsyncIterable<{ vectors: Float32Array; ids: Utf8Column }>,
  progress: Progress,
): Promise<WrittenTable> {
  const schema = tableSchema(dimension, vectorType);
  const table = await createTable(folder, name, schema);
  const marks: FragmentMark[] = [];
  // One append at a time keeps the rows in order; the next batch is read and encoded meanwhile.
  let append: Promise<void> = Promise.resolve();
  try {
    for await (const { vectors, ids } of batches) {
      const rows = ids.offsets.length - 1;
      const stored = vectorType === 'float32' ? vectors : new Float16Array(vectors);
      const ipc = encodeBatch(schema, stored, ids);
      marks.push(markFragment(stored, rows, dimension));
      await append;
      append = appendIpc(table, ipc);
      append.catch(() => {}); // awaited below; an early failure must not end the process first
      progress.add(rows);
    }
    await append;
    const rows = await table.countRows();
    const tableVersion = await table.version();
    const fragments = await locateFragments(
      join(folder, `${name}.lance`),
      marks,
      dimension * COMPONENT_BYTES[vectorType],
    );
    return { rows, tableVersion, fragments };
  } finally {
    // While an append goes on, closing fails, and would hide why the batches ended.
    await append.catch(() => {});
    table.close();
  }
}

/** What a fragment's file is known by: the start of its first vector, hashes of some of its vectors, and of all. */
interface FragmentMark {
  rows: number;
  head: Uint8Array;
  samples: Array<{ row: number; hash: string }>;
  checksum: string;
}

const HEAD_BYTES = 64;

function markFragment(vectors: Float32Array | Float16Array, rows: number, dimension: number): FragmentMark {
  const bytesOf = (row: number) => {
    const view = vectors.subarray(row * dimension, (row + 1) * dimension);
    return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
  };
  const sampled = [0, rows >> 2, rows >> 1, rows - (rows >> 2) - 1, rows - 1];
  return {
    rows,
    head: bytesOf(0).slice(0, HEAD_BYTES),
    samples: sampled.map((row) => ({ row, hash: digest(bytesOf(row)) })),
    checksum: CRC64.format(
      CRC64.of(new Uint8Array(vectors.buffer, vectors.byteOffset, rows * dimension * vectors.BYTES_PER_ELEMENT)),
    ),
  };
}

/**
 * Finds the data file of each fragment and checks that its vectors lie there end to end, as LanceDB writes a
 * fixed-size column that was appended at once. Appends came one after another, so files sort by time.
 * @returns undefined where a file is not so: then vectors are read through LanceDB
 */
async function locateFragments(
  folder: string,
  marks: readonly FragmentMark[],
  rowBytes: number,
): Promise<FragmentFile[] | undefined> {
  const names = await readdir(join(folder, 'data'));
  if (names.length !== marks.length) return undefined;
  const files = await Promise.all(
    names.map(async (name) => ({ name, ...(await stat(join(folder, 'data', name), { bigint: true })) })),
  );
  files.sort((a, b) => (a.mtimeNs < b.mtimeNs ? -1 : a.mtimeNs > b.mtimeNs ? 1 : 0));
  const fragments: FragmentFile[] = [];
  for (const [i, mark] of marks.entries()) {
    const path = `data/${files[i]!.name}`;
    const file = await open(join(folder, path), 'r');
    try {
      const start = await findVectors(file, Number(files[i]!.size), mark, rowBytes);
      if (start === undefined) return undefined;
      const end = start + mark.rows * rowBytes;
      // LanceDB writes short rows in chunks with a few bytes between them: samples may miss it where many rows are the same.
      if ((await checksumOfFile(join(folder, path), CRC64, { start, end })) !== mark.checksum) return undefined;
      const reader = { read: async (into: Uint8Array, at: number) => void (await file.read(into, 0, into.length, at)) };
      const around = await checksumAround(reader, Number(files[i]!.size), start, end, CRC64);
      fragments.push({ path, rows: mark.rows, offset: start, checksum: around });
    } finally {
      await file.close();
    }
  }
  return fragments;
}

/** Where a file's vectors begin, by samples. Before them there can only be what the file holds beside them: ids and a footer. */
async function findVectors(
  file: FileHandle,
  fileBytes: number,
  { rows, head, samples }: FragmentMark,
  rowBytes: number,
): Promise<number | undefined> {
  const start = Buffer.alloc(Math.max(0, fileBytes - rows * rowBytes) + head.length);
  await file.read(start, 0, start.length, 0);
  const row = Buffer.alloc(rowBytes);
  for (let offset = start.indexOf(head); offset >= 0; offset = start.indexOf(head, offset + 1)) {
    let matches = true;
    for (const sample of samples) {
      const { bytesRead } = await file.read(row, 0, rowBytes, offset + sample.row * rowBytes);
      matches &&= bytesRead === rowBytes && digest(row) === sample.hash;
    }
    if (matches) return offset;
  }
  return undefined;
}

function digest(bytes: Uint8Array): string {
  return createHash('sha1').update(bytes).digest('base64');
}
