import { closeSync, openSync, writeSync } from 'node:fs';
import { open, readdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { murmur3 } from '../base/bytes/murmur3.ts';
import { columnLength, type Utf8Column } from '../base/bytes/utf8-column.ts';
import { withScratch } from '../base/files/scratch.ts';
import { scratchPathOf } from '../base/files/stream-output.ts';
import { type Duplicate, duplicateOf, ENTRY_WORDS, IdTable, placeOf, writePlace } from './id-table.ts';

/** Maximum number of entries in memory, about 60 MB; further entries spill to files beside the output. */
const MAX_ENTRIES_IN_MEMORY = 1_400_000;
/** Files over which ids are partitioned by hash: 10^9 ids make files of 110 MB, each searched separately. */
const PARTITIONS = 256;
const ENTRY_BYTES = ENTRY_WORDS * 4;
const READ_ENTRIES = 1 << 16;

/** Finds duplicated ids among any number of ids and inputs, in constant memory. */
export interface DuplicateIds {
  /**
   * Adds the ids of rows [firstRow, firstRow + length) of an input.
   * @returns a duplicate among the ids in memory; `finish` finds the others
   */
  add(ids: Utf8Column, source: number, firstRow: number): Duplicate | undefined;
  /** Searches the ids that `add` moved to files. */
  finish(): Promise<Duplicate | undefined>;
}

interface Options {
  /** Ids held in memory. */
  maxEntries?: number;
  /** Returns whether a duplicate counts; callers may allow certain ids to occur twice. Default: all count. */
  matters?: (pair: Duplicate) => boolean;
}

/**
 * Runs `use` with a finder of duplicated ids. Temporary files, if needed, are written beside `output` and removed afterwards.
 */
export async function withDuplicateIds<T>(
  output: string,
  use: (ids: DuplicateIds) => Promise<T>,
  { maxEntries = MAX_ENTRIES_IN_MEMORY, matters = () => true }: Options = {},
): Promise<T> {
  const target = scratchPathOf(output);
  return withScratch(dirname(target), `${basename(target)}.ids`, (folder) =>
    use(createFinder(folder, maxEntries, matters)),
  );
}

function createFinder(folder: string, maxEntries: number, matters: (pair: Duplicate) => boolean): DuplicateIds {
  const table = new IdTable(maxEntries);
  const entry = new Uint32Array(ENTRY_WORDS);
  let spilled = false;
  return {
    add(ids, source, firstRow) {
      const { offsets, bytes } = ids;
      for (let i = 0; i < columnLength(ids); i++) {
        if (table.isFull) {
          spill(table, folder);
          spilled = true;
        }
        murmur3(bytes, offsets[i]!, offsets[i + 1]!, entry, 0);
        writePlace(entry, 0, source, firstRow + i);
        const seen = table.add(entry, 0);
        const pair = seen && duplicateOf(seen, placeOf(entry, 0));
        if (pair && matters(pair)) return pair;
      }
      return undefined;
    },
    async finish() {
      if (!spilled) return undefined;
      spill(table, folder);
      for (const partition of (await readdir(folder)).sort()) {
        const duplicate = await findInFile(join(folder, partition), matters);
        if (duplicate) return duplicate;
      }
      return undefined;
    },
  };
}

/** Appends every entry to the file of its partition and empties the table. */
function spill(table: IdTable, folder: string): void {
  const ends = new Uint32Array(PARTITIONS);
  table.forEach((words, at) => {
    ends[partitionOf(words, at)]! += 1;
  });
  for (let partition = 1; partition < PARTITIONS; partition++) ends[partition]! += ends[partition - 1]!;
  const sorted = new Uint32Array(table.count * ENTRY_WORDS);
  const starts = new Uint32Array(PARTITIONS);
  starts.set(ends.subarray(0, PARTITIONS - 1), 1);
  const next = starts.slice();
  table.forEach((words, at) => {
    const to = next[partitionOf(words, at)]!++;
    sorted.set(words.subarray(at, at + ENTRY_WORDS), to * ENTRY_WORDS);
  });
  for (let partition = 0; partition < PARTITIONS; partition++) {
    if (starts[partition] === ends[partition]) continue;
    const file = openSync(join(folder, String(partition)), 'a');
    try {
      const entries = sorted.subarray(starts[partition]! * ENTRY_WORDS, ends[partition]! * ENTRY_WORDS);
      const bytes = Buffer.from(entries.buffer, entries.byteOffset, entries.byteLength);
      for (let written = 0; written < bytes.length; ) written += writeSync(file, bytes, written);
    } finally {
      closeSync(file);
    }
  }
  table.clear();
}

function partitionOf(words: Uint32Array, at: number): number {
  return words[at]! % PARTITIONS;
}

async function findInFile(path: string, matters: (pair: Duplicate) => boolean): Promise<Duplicate | undefined> {
  const file = await open(path, 'r');
  try {
    const table = new IdTable(Number.POSITIVE_INFINITY);
    const block = new Uint32Array(READ_ENTRIES * ENTRY_WORDS);
    const bytes = new Uint8Array(block.buffer);
    const { size } = await file.stat();
    for (let at = 0; at < size; ) {
      const wanted = Math.min(bytes.length, size - at);
      const { bytesRead } = await file.read(bytes, 0, wanted, at);
      // A read may end inside an entry, which is then read again.
      const entries = Math.floor(bytesRead / ENTRY_BYTES);
      if (entries === 0) throw new Error(`${path}: cannot read ${wanted} bytes at ${at}`);
      for (let i = 0; i < entries; i++) {
        const seen = table.add(block, i * ENTRY_WORDS);
        const pair = seen && duplicateOf(seen, placeOf(block, i * ENTRY_WORDS));
        if (pair && matters(pair)) return pair;
      }
      at += entries * ENTRY_BYTES;
    }
    return undefined;
  } finally {
    await file.close();
  }
}
