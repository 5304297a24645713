import { readSync } from 'node:fs';
import type { FileBytes } from './file-bytes.ts';

const SIGNATURE = Buffer.from('GCOL\x01\x00\x00\x00', 'latin1');
const HEADER_BYTES = 16;
const LEAST_COLLECTION_BYTES = 4096;
/** A text of MAX_ID_BYTES makes one of little more. */
const MOST_COLLECTION_BYTES = 2 ** 26;

/** Open files whose lengths have other than 8 bytes, which nearly no program writes: their heaps are not checked. */
const unchecked = new Set<object>();

/** A file was opened. */
export function heapsOf(file: FileBytes): void {
  if (file.lengthBytes !== 8) unchecked.add(file);
}

/** A file was closed. */
export function noHeapsOf(file: FileBytes): void {
  unchecked.delete(file);
}

/**
 * Finds what is wrong with a collection of a global heap, where texts of variable length are. The library has 32 bits for a size
 * of 64, and goes round in circles at an object without a size. Format: HDF5 File Format Specification 3.0, section III.E.
 * @param start what was read at `position`: the collection, or its beginning
 * @returns undefined where nothing is wrong, or this is no collection
 */
export function findBadHeap(descriptor: number, position: number, start: Uint8Array): string | undefined {
  if (unchecked.size > 0) return undefined;
  if (start.length < LEAST_COLLECTION_BYTES || Buffer.compare(start.subarray(0, 8), SIGNATURE) !== 0) return undefined;
  const byteLength = Number(viewOf(start).getBigUint64(8, true));
  if (byteLength < LEAST_COLLECTION_BYTES || byteLength > MOST_COLLECTION_BYTES)
    return 'a heap of texts has a wrong size';
  if (byteLength <= start.length) return findBadObject(start.subarray(0, byteLength));
  const whole = new Uint8Array(byteLength);
  for (let done = 0; done < byteLength; ) {
    const count = readSync(descriptor, whole, done, byteLength - done, position + done);
    if (count === 0) return 'a heap of texts ends too early';
    done += count;
  }
  return findBadObject(whole);
}

function findBadObject(collection: Uint8Array): string | undefined {
  const view = viewOf(collection);
  for (let at = HEADER_BYTES; at + HEADER_BYTES <= collection.length; ) {
    const index = view.getUint16(at, true);
    const high = view.getUint32(at + 12, true);
    const low = view.getUint32(at + 8, true);
    // The size of free space, object 0, includes its header.
    const byteLength = index === 0 ? low : HEADER_BYTES + Math.ceil(low / 8) * 8;
    if (high !== 0 || byteLength === 0 || at + byteLength > collection.length)
      return 'a heap of texts has a wrong object';
    at += byteLength;
  }
  return undefined;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
