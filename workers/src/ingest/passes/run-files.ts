import { closeSync, openSync, readSync } from 'node:fs';
import { rm } from 'node:fs/promises';

import { join } from 'node:path';
import { writePieces } from '../../base/files/write-pieces.ts';

/** The scratch files that hold all runs. Threads write and read them at the same time, each at its own places. */
const NAMES = {
  /** Vectors as the table stores them, at the position of the run's first row in the bucket. */
  vectors: 'runs.vectors',
  /** For each row the end of its id in those of the run: uint32, at the same positions. */
  idEnds: 'runs.id-ends',
  /** Ids of each run end to end. */
  ids: 'runs.ids',
  /** For each run the number of its rows before each partition, and of all: uint32 [partitions + 1]. */
  starts: 'runs.starts',
} as const;

export type RunFile = keyof typeof NAMES;

/** Rows that were sorted by partition together. */
export interface Run {
  /** Position of its first row in the bucket: runs in this order keep the order of the rows. */
  firstRow: number;
  rows: number;
  /** Where its ids begin in their file. */
  idsAt: number;
  /** Its number in the file of starts. */
  slot: number;
}

/** Creates the files, empty. */
export function createRunFiles(folder: string): void {
  for (const name of Object.values(NAMES)) closeSync(openSync(join(folder, name), 'wx'));
}

/** Removes the files. */
export async function removeRunFiles(folder: string): Promise<void> {
  for (const name of Object.values(NAMES)) await rm(join(folder, name));
}

/**
 * The files of a folder, open. All calls are synchronous, and meant for a worker thread: those of Node's own threads for files
 * would be shared by all workers.
 */
export class RunFiles {
  readonly #files: Record<RunFile, number>;

  constructor(folder: string) {
    const open = (file: RunFile) => openSync(join(folder, NAMES[file]), 'r+');
    this.#files = { vectors: open('vectors'), idEnds: open('idEnds'), ids: open('ids'), starts: open('starts') };
  }

  write(file: RunFile, data: NodeJS.ArrayBufferView, position: number): void {
    writePieces(this.#files[file], [new Uint8Array(data.buffer, data.byteOffset, data.byteLength)], position);
  }

  /** Fills a buffer. */
  read(file: RunFile, into: NodeJS.ArrayBufferView, position: number): void {
    const bytes = new Uint8Array(into.buffer, into.byteOffset, into.byteLength);
    for (let at = 0; at < bytes.length; ) {
      const bytesRead = readSync(this.#files[file], bytes, at, bytes.length - at, position + at);
      if (bytesRead === 0) throw new Error(`${NAMES[file]} ended at byte ${position + at}`);
      at += bytesRead;
    }
  }

  close(): void {
    for (const file of Object.values(this.#files)) closeSync(file);
  }
}
