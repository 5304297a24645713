import { open } from 'node:fs/promises';
import { columnLength, type Utf8Column } from '../base/bytes/utf8-column.ts';
import { systemErrorCode } from '../base/errors.ts';
import { findStatsQuickly, readStart } from '../base/files/small-files.ts';
import { counted } from '../base/text/counted.ts';
import { parseShardDescription, type ShardDescription } from './description.ts';
import { type DescribedShard, type DescribeOptions, describeShard, type IdBlock } from './description-file.ts';
import { changedSinceDescribed, damagedDescription } from './shard-messages.ts';

/** Bytes that are read of a description at once: all of one of five hundred ids. */
const START_BYTES = 8 * 2 ** 10;
const BRACE = '{'.charCodeAt(0);
const WORD_BYTES = 4;
const NEWLINE = '\n'.charCodeAt(0);
/** Maximum length of the first line; attributes of a shard are few and short. */
const MAX_HEADER_BYTES = 2 ** 20;

/** A description of which only the start was read. */
export interface OpenDescription {
  path: string;
  described: ShardDescription;
  /** The first bytes of the file; all of a file that has fewer. */
  start: Uint8Array<ArrayBuffer>;
  /** Where the ids begin. */
  idsAt: number;
}

/**
 * Reads the start of a description. If the shard still has the path at which it was described, it must not have changed.
 * @returns undefined for another file, such as a shard, and for none
 * @throws DataError if the file is damaged, or the shard has changed
 */
export async function openDescription(path: string): Promise<OpenDescription | undefined> {
  // A missing file, a folder and a pipe, which can be opened but not read, are refused when they are opened as a shard.
  const start = await readStart(path, START_BYTES).catch((error: unknown) => {
    if (!['ENOENT', 'EISDIR', 'ESPIPE'].includes(systemErrorCode(error) ?? '')) throw error;
    return undefined;
  });
  if (start?.[0] !== BRACE) return undefined;
  const { line, end } = await readFirstLine(path, start);
  const described = parseShardDescription(line, path);
  const info = await findStatsQuickly(described.path);
  if (info && (info.size !== described.fileBytes || info.mtimeMs !== described.modifiedMs))
    throw changedSinceDescribed(described.path, path);
  return { path, described, start, idsAt: end };
}

/** Reads the ids of a description. @throws DataError if the file is damaged */
export async function readShardDescription(
  { path, described: { name, contentHash, ...described }, start: first, idsAt }: OpenDescription,
  onIds: (block: IdBlock) => Promise<void> | void,
): Promise<DescribedShard> {
  let start = 0;
  for await (const ids of readIds(path, first, idsAt)) {
    await onIds({ start, ids });
    start += columnLength(ids);
  }
  if (start !== described.rows) throw damagedDescription(path, `${counted(start, 'id')} of ${described.rows}`);
  const { rows, dimension, vectorType, attributes, columns = [], columnBytes = 0, rowHash = contentHash } = described;
  return { path: name, rows, dimension, vectorType, attributes, columns, columnBytes, contentHash, rowHash };
}

/** Reads a shard, or its description, once: see `describeShard` and `readShardDescription`. */
export async function describeInput(
  path: string,
  onIds: (block: IdBlock) => Promise<void> | void,
  options: DescribeOptions = {},
): Promise<DescribedShard> {
  const description = await openDescription(path);
  return description ? readShardDescription(description, onIds) : describeShard(path, onIds, options);
}

async function readFirstLine(path: string, start: Uint8Array<ArrayBuffer>): Promise<{ line: string; end: number }> {
  const isCut = start.length === START_BYTES && !start.includes(NEWLINE);
  const bytes = isCut ? await readStart(path, MAX_HEADER_BYTES) : start;
  const end = bytes.indexOf(NEWLINE);
  return { line: Buffer.from(bytes.buffer, 0, Math.max(0, end)).toString('utf8'), end: end + 1 };
}

async function* readIds(path: string, start: Uint8Array<ArrayBuffer>, from: number): AsyncGenerator<Utf8Column> {
  const file = start.length < START_BYTES ? undefined : await open(path, 'r');
  try {
    const size = file === undefined ? start.length : (await file.stat()).size;
    let at = from;
    const take = async (byteLength: number): Promise<DataView<ArrayBuffer>> => {
      // Checked before allocating: a damaged length can have any value.
      if (at + byteLength > size) throw damagedDescription(path, 'it ends too early');
      const bytes = file === undefined ? start.subarray(at, at + byteLength) : new Uint8Array(byteLength);
      for (let done = 0; file !== undefined && done < byteLength; ) {
        const { bytesRead } = await file.read(bytes, done, byteLength - done, at + done);
        if (bytesRead === 0) throw damagedDescription(path, 'it ends too early');
        done += bytesRead;
      }
      at += byteLength;
      return new DataView(bytes.buffer, bytes.byteOffset, byteLength);
    };
    while (at < size) {
      const rows = (await take(WORD_BYTES)).getUint32(0, true);
      const lengths = await take(rows * WORD_BYTES);
      let byteCount = 0;
      for (let row = 0; row < rows; row++) byteCount += lengths.getUint32(row * WORD_BYTES, true);
      const { buffer, byteOffset } = await take(byteCount);
      const offsets = new Int32Array(rows + 1);
      for (let row = 0; row < rows; row++) offsets[row + 1] = offsets[row]! + lengths.getUint32(row * WORD_BYTES, true);
      yield { offsets, bytes: new Uint8Array(buffer, byteOffset, byteCount) };
    }
  } finally {
    await file?.close();
  }
}
