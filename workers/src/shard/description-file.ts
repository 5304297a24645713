import type { Stats } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import type { CommandContext } from '../app/command.ts';
import { columnLength, type Utf8Column } from '../base/bytes/utf8-column.ts';
import { findStats } from '../base/missing-files.ts';
import type { Keep } from './columns/keep.ts';
import { ContentHash } from './content-hash.ts';
import type { ShardDescription } from './description.ts';
import type { ShardHeader } from './shard.ts';
import { readBlocks, rowsPerBlock } from './shard-blocks.ts';
import { missingShard, noVectors } from './shard-messages.ts';
import { openShard, type ShardReader } from './shard-reader.ts';

const BLOCK_BYTES = 8 * 2 ** 20;
/** More than the byte count of any shard, for the longest description. */
const MOST_BYTES = Number.MAX_SAFE_INTEGER;

/** Ids of consecutive rows. */
export interface IdBlock {
  start: number;
  ids: Utf8Column;
}

/** A shard and its content hash. */
export interface DescribedShard extends ShardHeader {
  contentHash: string;
  /** The content hash that it has where no column is kept. */
  rowHash: string;
  /** Bytes of all kept columns. */
  columnBytes: number;
}

export interface DescribeOptions {
  /** Default: the columns that LanceFlow wrote. */
  keep?: Keep | undefined;
  /** Whether a shard without rows is fine. */
  allowEmpty?: boolean;
}

/**
 * Reads a shard once, for its content hash and its ids.
 * @param onIds receives the ids of each block of rows
 * @throws DataError for a file that is not a shard, has no rows, or changes while it is read
 */
export async function describeShard(
  path: string,
  onIds: (block: IdBlock) => Promise<void> | void,
  { keep = 'written', allowEmpty = false }: DescribeOptions = {},
): Promise<DescribedShard> {
  const shard = await openShard(path, {}, keep);
  try {
    if (!allowEmpty) requireRows(shard);
    const { rows, dimension, vectorType, attributes, columns } = shard;
    const hash = new ContentHash();
    let columnBytes = 0;
    for await (const block of readBlocks(shard, { blockRows: rowsPerBlock(shard, BLOCK_BYTES) })) {
      const { vectors, ids, kept, start } = block;
      hash.add(vectors, ids, kept);
      for (const { bytes } of kept) columnBytes += bytes.length;
      await onIds({ start, ids });
    }
    return { path, rows, dimension, vectorType, attributes, columns, columnBytes, ...hash.digest(shard) };
  } finally {
    shard.close();
  }
}

function requireRows({ path, rows }: ShardReader): void {
  if (rows === 0) throw noVectors(path);
}

/**
 * Writes the description of a shard: a line of JSON, then the ids in blocks. Format: docs/formats.md.
 * @param name of the shard in messages and plans
 * @param temporary the path to write to: see `writeAtomically`
 */
export async function writeShardDescription(
  path: string,
  name: string,
  temporary: string,
  { progress }: Pick<CommandContext, 'progress'>,
  options: DescribeOptions = {},
): Promise<ShardDescription> {
  const { size: fileBytes, mtimeMs: modifiedMs } = await requireStats(path);
  const shard = await openShard(path, {}, options.keep ?? 'written');
  shard.close();
  if (!options.allowEmpty) requireRows(shard);
  const { rows, dimension, vectorType, attributes, columns } = shard;
  const facts = { version: 1 as const, path, name, fileBytes, modifiedMs, rows, dimension, vectorType, attributes };
  const textOf = (hashes: Hashes) => JSON.stringify({ ...facts, ...hashes });
  const bar = progress('describing', rows, 'vectors');
  const file = await open(temporary, 'wx');
  try {
    // A placeholder of the same length, because the hashes are known only at the end.
    const unknown = '0'.repeat(64);
    const placeholder = textOf(hashesOf({ columns, contentHash: unknown, rowHash: unknown, columnBytes: MOST_BYTES }));
    await file.writeFile(`${placeholder}\n`);
    const onIds = async ({ ids }: IdBlock) => {
      await writeIds(file, ids);
      bar.add(columnLength(ids));
    };
    const hashes = hashesOf(await describeShard(path, onIds, options));
    const line = Buffer.from(`${textOf(hashes).padEnd(placeholder.length)}\n`);
    await file.write(line, 0, line.length, 0);
    return { ...facts, ...hashes };
  } finally {
    bar.stop();
    await file.close();
  }
}

/** What a description has that only reading the rows tells, and the kept columns, if there are any. */
type Hashes = Pick<ShardDescription, 'columns' | 'columnBytes' | 'rowHash' | 'contentHash'>;

function hashesOf({
  columns,
  columnBytes,
  rowHash,
  contentHash,
}: Pick<DescribedShard, 'columns' | 'columnBytes' | 'rowHash' | 'contentHash'>): Hashes {
  return columns.length > 0 ? { contentHash, columns: [...columns], columnBytes, rowHash } : { contentHash };
}

async function requireStats(path: string): Promise<Stats> {
  const info = await findStats(path);
  if (info) return info;
  throw missingShard(path);
}

/** Writes a block: the row count, the length of each id, the concatenated ids. */
async function writeIds(file: FileHandle, { offsets, bytes }: Utf8Column): Promise<void> {
  const rows = offsets.length - 1;
  const words = new Uint32Array(1 + rows);
  words[0] = rows;
  for (let row = 0; row < rows; row++) words[1 + row] = offsets[row + 1]! - offsets[row]!;
  await file.writeFile(new Uint8Array(words.buffer));
  await file.writeFile(bytes.subarray(offsets[0]!, offsets[rows]!));
}
