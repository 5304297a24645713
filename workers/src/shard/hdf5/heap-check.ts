import { readSync } from 'node:fs';
import type { FileBytes } from './file-bytes.ts';

const SIGNATURE = Buffer.from('GCOL\x01\x00\x00\x00', 'latin1');
const HEADER_BYTES = 16;
const MIN_COLLECTION_BYTES = 4096;
/** A collection is only slightly larger than its longest text, which has at most MAX_ID_BYTES. */
const MAX_COLLECTION_BYTES = 2 ** 26;

/** Open files whose lengths do not have 8 bytes, which hardly any program writes. While one is open, heaps are not checked. */
const unchecked = new Set<object>();

/** Registers a file that was opened. */
export function fileOpened(file: FileBytes): void {
  if (file.lengthBytes !== 8) unchecked.add(file);
}

/** Unregisters a file that is closed. */
export function fileClosed(file: FileBytes): void {
  unchecked.delete(file);
}

/**
 * Checks a collection of a global heap, which contains variable-length texts, because the library truncates 64-bit sizes to 32 bits, and
 * loops forever at an object of size 0. Format: HDF5 File Format Specification 3.0, section III.E.
 * @param start the bytes read at `position`: the collection, or its beginning
 * @returns the problem, or undefined if it is valid or not a collection
 */
export function findBadHeap(descriptor: number, position: number, start: Uint8Array): string | undefined {
  if (unchecked.size > 0) return undefined;
  if (start.length < MIN_COLLECTION_BYTES || Buffer.compare(start.subarray(0, 8), SIGNATURE) !== 0) return undefined;
  const byteLength = Number(viewOf(start).getBigUint64(8, true));
  if (byteLength < MIN_COLLECTION_BYTES || byteLength > MAX_COLLECTION_BYTES) return 'a heap of texts has a wrong size';
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
