import { randomBytes } from 'node:crypto';
import { type FileHandle, mkdir, open, readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { crc32 } from 'node:zlib';
import { KEY_BYTES, KeyIndex } from '../base/bytes/key-index.ts';
import { findStats, returnIfMissing } from '../base/missing-files.ts';
import { cacheRemoved } from './embed-messages.ts';

/** A key and the checksum of its vector. */
const ENTRY_BYTES = KEY_BYTES + 4;
/** 16 million slots of 20 bytes: 320 MB. */
const MAX_KEYS = 12_000_000;
const MAX_OPEN_FILES = 64;
/** Attempts to create the files. An attempt fails if another process that is done removes the folder. */
const MAX_ATTEMPTS = 20;

/**
 * Vectors by key, in a folder that many processes may use at once. Each process appends to its own pair of files: `<name>.vectors`,
 * float32 rows, and `<name>.keys`, the 16-byte key and the CRC-32 of each row. A row is valid once its key is written, so a killed
 * process leaves the cache consistent. Rows that other processes add later are not found.
 */
export interface VectorCache {
  /**
   * Finds vectors.
   * @param keys KEY_BYTES / 4 words each
   * @param into row i is filled if key i is known
   * @returns for each key, whether it is known
   */
  find(keys: Uint32Array, into: Float32Array): Promise<boolean[]>;
  /** Adds vectors, up to MAX_KEYS. */
  add(keys: Uint32Array, vectors: Float32Array): Promise<void>;
  close(): Promise<void>;
}

/** The files of one process. */
interface Segment {
  path: string;
  /** Record number of its first row. */
  firstRecord: number;
  checksums: Uint32Array;
}

/**
 * Opens a cache, and creates it if it does not exist. Another process that is done with it may remove it at any time.
 * @param dimension components of a vector
 */
export async function openVectorCache(folder: string, dimension: number): Promise<VectorCache> {
  await mkdir(folder, { recursive: true });
  const index = new KeyIndex(MAX_KEYS);
  const segments = await readSegments(folder, dimension, index);
  const files = createFilePool();
  const own = createOwnSegment(folder, segments.at(-1));
  const rowBytes = 4 * dimension;

  return {
    async find(keys, into) {
      const hits = findHits(keys, index);
      const found = new Array<boolean>(keys.length / (KEY_BYTES / 4)).fill(false);
      for (const run of runsOf(hits, (record) => segmentOf(segments, own, record).firstRecord)) {
        const segment = segmentOf(segments, own, run[0]!.record);
        const bytes = Buffer.alloc(run.length * rowBytes);
        const file = await files.get(segment.path);
        // Another process removed the file: its vectors are computed again.
        if (!file) continue;
        await file.read(bytes, 0, bytes.length, (run[0]!.record - segment.firstRecord) * rowBytes);
        for (const [i, { record, row }] of run.entries()) {
          const part = bytes.subarray(i * rowBytes, (i + 1) * rowBytes);
          // After a power failure, a key may exist without its row.
          if (crc32(part) !== segment.checksums[record - segment.firstRecord]) continue;
          into.set(new Float32Array(part.buffer, part.byteOffset, dimension), row * dimension);
          found[row] = true;
        }
      }
      return found;
    },
    async add(keys, vectors) {
      if (index.isFull || keys.length === 0) return;
      const first = await own.append(keys, vectors, dimension);
      for (let row = 0; row < keys.length / 4; row++) index.add(keys, 4 * row, first + row);
    },
    async close() {
      await own.close();
      await files.close();
    },
  };
}

/** Reads the keys of all files; vectors stay on disk. */
async function readSegments(folder: string, dimension: number, index: KeyIndex): Promise<Segment[]> {
  const segments: Segment[] = [];
  let firstRecord = 0;
  for (const name of (await readdir(folder).catch(returnIfMissing<string[]>([])))
    .filter((file) => file.endsWith('.keys'))
    .sort()) {
    const path = join(folder, `${name.slice(0, -'.keys'.length)}.vectors`);
    const bytes = await readFile(join(folder, name)).catch(returnIfMissing(Buffer.alloc(0)));
    const rows = Math.min(Math.floor(bytes.length / ENTRY_BYTES), await rowsIn(path, dimension));
    const words = new Uint32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + rows * ENTRY_BYTES));
    const checksums = new Uint32Array(rows);
    for (let row = 0; row < rows; row++) {
      index.add(words, 5 * row, firstRecord + row);
      checksums[row] = words[5 * row + 4]!;
    }
    segments.push({ path, firstRecord, checksums });
    firstRecord += rows;
  }
  return segments;
}

async function rowsIn(path: string, dimension: number): Promise<number> {
  const info = await findStats(path);
  return Math.floor((info?.size ?? 0) / (4 * dimension));
}

/** Manages the files of this process, which are created with the first row. */
function createOwnSegment(folder: string, last: Segment | undefined) {
  const path = join(folder, `${process.pid}-${randomBytes(6).toString('hex')}`);
  const firstRecord = last ? last.firstRecord + last.checksums.length : 0;
  let checksums = new Uint32Array(1024);
  let rows = 0;
  let files: { vectors: FileHandle; keys: FileHandle } | undefined;
  return {
    path: `${path}.vectors`,
    firstRecord,
    get checksums() {
      return checksums;
    },
    /** @returns the record number of the first row */
    async append(keys: Uint32Array, vectors: Float32Array, dimension: number): Promise<number> {
      const count = keys.length / 4;
      const entries = new Uint32Array(count * 5);
      if (checksums.length < rows + count) {
        const larger = new Uint32Array(2 * (rows + count));
        larger.set(checksums);
        checksums = larger;
      }
      for (let row = 0; row < count; row++) {
        const vector = vectors.subarray(row * dimension, (row + 1) * dimension);
        const checksum = crc32(new Uint8Array(vector.buffer, vector.byteOffset, vector.byteLength));
        entries.set(keys.subarray(4 * row, 4 * row + 4), 5 * row);
        entries[5 * row + 4] = checksum;
        checksums[rows + row] = checksum;
      }
      files ??= await makeFiles(path);
      // The key is written last: it marks the row as complete.
      await files.vectors.appendFile(new Uint8Array(vectors.buffer, vectors.byteOffset, vectors.byteLength));
      await files.keys.appendFile(new Uint8Array(entries.buffer));
      rows += count;
      return firstRecord + rows - count;
    },
    async close() {
      await files?.vectors.close();
      await files?.keys.close();
    },
  };
}

async function makeFiles(path: string) {
  for (let attempt = 1; ; attempt++) {
    await mkdir(dirname(path), { recursive: true });
    const vectors = await open(`${path}.vectors`, 'ax').catch(returnIfMissing(undefined));
    const keys = vectors && (await open(`${path}.keys`, 'ax').catch(returnIfMissing(undefined)));
    if (keys) return { vectors, keys };
    await vectors?.close();
    if (attempt === MAX_ATTEMPTS) throw cacheRemoved(dirname(path));
  }
}

interface Hit {
  row: number;
  record: number;
}

function findHits(keys: Uint32Array, index: KeyIndex): Hit[] {
  const hits: Hit[] = [];
  for (let row = 0; row < keys.length / 4; row++) {
    const record = index.get(keys, 4 * row);
    if (record !== undefined) hits.push({ row, record });
  }
  return hits.sort((a, b) => a.record - b.record);
}

/** Groups hits whose records are consecutive in one file: each group is one read. */
function runsOf(hits: readonly Hit[], segmentStart: (record: number) => number): Hit[][] {
  const runs: Hit[][] = [];
  for (const hit of hits) {
    const run = runs.at(-1);
    const last = run?.at(-1);
    const follows = last && hit.record === last.record + 1;
    if (follows && segmentStart(hit.record) === segmentStart(last.record)) run!.push(hit);
    else runs.push([hit]);
  }
  return runs;
}

function segmentOf(segments: readonly Segment[], own: Segment, record: number): Segment {
  if (record >= own.firstRecord) return own;
  let low = 0;
  let high = segments.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (segments[middle]!.firstRecord <= record) low = middle;
    else high = middle - 1;
  }
  return segments[low]!;
}

/** Caches open files. A cache can have thousands of files: beyond MAX_OPEN_FILES, the one opened first is closed. */
function createFilePool() {
  const files = new Map<string, FileHandle>();
  return {
    /** @returns undefined if the file no longer exists */
    async get(path: string): Promise<FileHandle | undefined> {
      const known = files.get(path);
      if (known) return known;
      const [oldest] = files;
      if (oldest && files.size >= MAX_OPEN_FILES) {
        files.delete(oldest[0]);
        await oldest[1].close();
      }
      const file = await open(path, 'r').catch(returnIfMissing(undefined));
      if (file) files.set(path, file);
      return file;
    },
    async close(): Promise<void> {
      for (const file of files.values()) await file.close();
    },
  };
}
