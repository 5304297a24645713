import { closeSync, openSync, readSync } from 'node:fs';
import { decodeFloat16 } from '../base/bytes/float16.ts';
import { toUserError } from '../base/errors.ts';
import { truncatedTableFile, unopenedTableFile } from '../database/table-file-errors.ts';
import { COMPONENT_BYTES, type VectorType } from '../vectors/vector-type.ts';

/** Contiguous rows of a data file on this machine. */
export interface FilePart {
  path: string;
  /** Byte offset of the first row. */
  position: number;
  rows: number;
}

/**
 * Reads rows of data files synchronously, in the thread that compares them, so that the rows are in the cache of its core. A reader on
 * another core could not achieve this.
 */
export class PartReader {
  readonly #dimension: number;
  readonly #vectorType: VectorType;
  #half: Uint16Array | undefined;
  #file: { path: string; descriptor: number } | undefined;

  constructor(dimension: number, vectorType: VectorType) {
    this.#dimension = dimension;
    this.#vectorType = vectorType;
  }

  /**
   * Reads rows one after the other into a buffer.
   * @param into [max rows, D]
   * @returns the filled part of `into`
   * @throws DataError if a file is missing or too short
   */
  read(parts: readonly FilePart[], into: Float32Array): Float32Array {
    let filled = 0;
    for (const { path, position, rows } of parts) {
      const components = rows * this.#dimension;
      const own = into.subarray(filled, filled + components);
      if (this.#vectorType === 'float16') {
        if (this.#half === undefined || this.#half.length < components) this.#half = new Uint16Array(into.length);
        this.#fill(path, position, this.#half.subarray(0, components));
        decodeFloat16(this.#half, own, components);
      } else this.#fill(path, position, own);
      filled += components;
    }
    return into.subarray(0, filled);
  }

  close(): void {
    if (this.#file) closeSync(this.#file.descriptor);
    this.#file = undefined;
  }

  #fill(path: string, position: number, into: Float32Array | Uint16Array): void {
    const descriptor = this.#open(path);
    const bytes = new Uint8Array(into.buffer, into.byteOffset, into.byteLength);
    for (let at = 0; at < bytes.length; ) {
      const read = readBytes(descriptor, bytes, at, position + at);
      if (read === 0) throw truncatedTableFile(path);
      at += read;
    }
  }

  #open(path: string): number {
    if (this.#file?.path === path) return this.#file.descriptor;
    this.close();
    try {
      this.#file = { path, descriptor: openSync(path, 'r') };
    } catch (error) {
      throw unopenedTableFile(path, error);
    }
    return this.#file.descriptor;
  }
}

function readBytes(descriptor: number, bytes: Uint8Array, at: number, position: number): number {
  try {
    return readSync(descriptor, bytes, at, bytes.length - at, position);
  } catch (error) {
    throw toUserError(error);
  }
}

/** Returns the bytes of a row's vector in a data file. */
export function rowBytes(dimension: number, vectorType: VectorType): number {
  return dimension * COMPONENT_BYTES[vectorType];
}
