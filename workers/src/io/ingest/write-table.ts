import { createHash } from 'node:crypto';
import { open, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { FragmentFile } from '../../core/catalog.ts';
import { COMPONENT_BYTES, type VectorType } from '../../core/shard.ts';
import type { Utf8Column } from '../../core/utf8-column.ts';
import { MOST_BLOCK_ROWS } from '../hdf5/shard-blocks.ts';
import { encodeBatch, tableSchema } from '../lance/arrow-batch.ts';
import { appendIpc, createTable } from '../lance/tables.ts';
import type { Progress } from '../progress.ts';

/** Vectors of one append, which is one fragment of the table. Larger ones need more memory and gain nothing. */
const FRAGMENT_BYTES = 16 * 2 ** 20;

/** Rows of a fragment. */
export function fragmentRows(dimension: number): number {
  return Math.max(1, Math.min(MOST_BLOCK_ROWS, Math.floor(FRAGMENT_BYTES / (dimension * 4))));
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
    table.close();
  }
}

/** Hashes of a fragment's first and last vector, by which its file is known again. */
interface FragmentMark {
  rows: number;
  first: string;
  last: string;
}

function markFragment(vectors: Float32Array | Float16Array, rows: number, dimension: number): FragmentMark {
  const row = (index: number) => {
    const view = vectors.subarray(index * dimension, (index + 1) * dimension);
    return digest(new Uint8Array(view.buffer, view.byteOffset, view.byteLength));
  };
  return { rows, first: row(0), last: row(rows - 1) };
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
    names.map(async (name) => ({ name, time: (await stat(join(folder, 'data', name), { bigint: true })).mtimeNs })),
  );
  files.sort((a, b) => (a.time < b.time ? -1 : a.time > b.time ? 1 : 0));
  const fragments: FragmentFile[] = [];
  for (const [i, { rows, first, last }] of marks.entries()) {
    const path = `data/${files[i]!.name}`;
    const file = await open(join(folder, path), 'r');
    try {
      const row = Buffer.alloc(rowBytes);
      for (const [index, expected] of [
        [0, first],
        [rows - 1, last],
      ] as const) {
        const { bytesRead } = await file.read(row, 0, rowBytes, index * rowBytes);
        if (bytesRead !== rowBytes || digest(row) !== expected) return undefined;
      }
    } finally {
      await file.close();
    }
    fragments.push({ path, rows });
  }
  return fragments;
}

function digest(bytes: Uint8Array): string {
  return createHash('sha1').update(bytes).digest('base64');
}
