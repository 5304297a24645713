import { closeSync, openSync, readSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { writePieces } from '../../base/files/write-pieces.ts';

/**
 * The scratch files that hold all runs. Threads write and read them at the same time, each at its own places.
 * - `vectors`: as the table stores them, at the position of the run's first row in the bucket
 * - `starts`: for each run the number of its rows before each partition, and of all: uint32 [partitions + 1]
 * - `cells-<i>`: the rows of column i of each run end to end; column 0 has the ids, the others are those that the bucket keeps
 * - `ends-<i>`: for each row the end of its cell in those of the run: uint32, at the same positions as the vectors
 */
export type RunFile = 'vectors' | 'starts' | `cells-${number}` | `ends-${number}`;

/** @param columns with the one of the ids */
function filesOf(columns: number): RunFile[] {
  const ofColumns = Array.from({ length: columns }, (_, i): RunFile[] => [`cells-${i}`, `ends-${i}`]);
  return ['vectors', 'starts', ...ofColumns.flat()];
}

function pathOf(folder: string, file: RunFile): string {
  return join(folder, `runs.${file}`);
}

/** Rows that were sorted by partition together. */
export interface Run {
  /** Position of its first row in the bucket: runs in this order keep the order of the rows. */
  firstRow: number;
  rows: number;
  /** Where its cells begin in the file of each column. */
  cellsAt: number[];
  /** Its number in the file of starts. */
  slot: number;
}

/** Creates the files, empty. */
export function createRunFiles(folder: string, columns: number): void {
  for (const file of filesOf(columns)) closeSync(openSync(pathOf(folder, file), 'wx'));
}

/** Removes the files. */
export async function removeRunFiles(folder: string, columns: number): Promise<void> {
  for (const file of filesOf(columns)) await rm(pathOf(folder, file));
}

/**
 * The files of a folder, open. All calls are synchronous, and meant for a worker thread: those of Node's own threads for files
 * would be shared by all workers.
 */
export class RunFiles {
  readonly #files: ReadonlyMap<RunFile, number>;

  constructor(folder: string, columns: number) {
    this.#files = new Map(filesOf(columns).map((file) => [file, openSync(pathOf(folder, file), 'r+')]));
  }

  write(file: RunFile, data: NodeJS.ArrayBufferView, position: number): void {
    writePieces(this.#files.get(file)!, [new Uint8Array(data.buffer, data.byteOffset, data.byteLength)], position);
  }

  /** Fills a buffer. */
  read(file: RunFile, into: NodeJS.ArrayBufferView, position: number): void {
    const bytes = new Uint8Array(into.buffer, into.byteOffset, into.byteLength);
    for (let at = 0; at < bytes.length; ) {
      const bytesRead = readSync(this.#files.get(file)!, bytes, at, bytes.length - at, position + at);
      if (bytesRead === 0) throw new Error(`runs.${file} ended at byte ${position + at}`);
      at += bytesRead;
    }
  }

  close(): void {
    for (const file of this.#files.values()) closeSync(file);
  }
}
