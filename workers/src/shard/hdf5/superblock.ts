import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { noteRead } from '../read-progress.ts';
import { BadStructure, type FileBytes } from './file-bytes.ts';
import { notHdf5, stillWritten, truncatedFile } from './hdf5-messages.ts';

const SIGNATURE = Buffer.from('\x89HDF\r\n\x1a\n', 'latin1');
/** File consistency flags of superblock version 3: bit 0 while a program has the file open for writing, bit 2 for SWMR. */
const OPEN_FOR_WRITING = 1;
/** Size limit of a structure. */
const MAX_READ_BYTES = 256 * 2 ** 20;

/** An HDF5 file, open for reading its structures. */
export interface StructureFile extends FileBytes {
  /** Fills a buffer from an address. @throws BadStructure if the file is too short */
  readInto(address: number, into: Uint8Array): void;
  close(): void;
}

/**
 * Opens a file and checks that it is HDF5, closed by its writer, and as long as its superblock says: the library reports all three
 * as the same failure. Format: HDF5 File Format Specification 3.0, section II.A.
 * @throws DataError that names the file
 */
export function openStructures(path: string): StructureFile {
  const descriptor = openSync(path, 'r');
  try {
    const { size } = fstatSync(descriptor);
    const block = Buffer.alloc(96);
    const base = findSuperblock(descriptor, size, block);
    if (base === undefined) throw notHdf5(path);
    const version = block[8]!;
    if (version === 3 && block[11]! & OPEN_FOR_WRITING) throw stillWritten(path);
    const [addressBytes, lengthBytes] = version < 2 ? [block[13]!, block[14]!] : [block[9]!, block[10]!];
    // Every known writer uses 8-byte addresses; for others, the library checks the length.
    const endAt = version < 2 ? (version === 0 ? 40 : 44) : 28;
    const expectedBytes = addressBytes === 8 ? Number(block.readBigUInt64LE(endAt)) : 0;
    if (size < expectedBytes) throw truncatedFile(path, size, expectedBytes);
    return {
      addressBytes,
      lengthBytes,
      byteLength: size - base,
      read(address, byteLength) {
        if (byteLength > MAX_READ_BYTES) throw new BadStructure('a structure is too large');
        requireInside(base, size, address, byteLength);
        const bytes = new Uint8Array(byteLength);
        fill(descriptor, base + address, bytes);
        return bytes;
      },
      readInto(address, into) {
        requireInside(base, size, address, into.length);
        fill(descriptor, base + address, into);
      },
      close: () => closeSync(descriptor),
    };
  } catch (error) {
    closeSync(descriptor);
    throw error;
  }
}

/** Searches for the superblock at 0, 512, 1024, 2048, ... @returns its position; undefined if it is missing */
function findSuperblock(descriptor: number, fileBytes: number, block: Buffer): number | undefined {
  for (let at = 0; at < fileBytes; at = at === 0 ? 512 : at * 2) {
    const bytesRead = readSync(descriptor, block, 0, block.length, at);
    if (bytesRead >= 48 && block.subarray(0, 8).equals(SIGNATURE)) return at;
  }
  return undefined;
}

function requireInside(base: number, size: number, address: number, byteLength: number): void {
  if (!(address >= 0 && byteLength >= 0 && base + address + byteLength <= size))
    throw new BadStructure('an address lies beyond the end of the file');
}

function fill(descriptor: number, position: number, into: Uint8Array): void {
  noteRead(descriptor, position, into.length);
  for (let done = 0; done < into.length; ) {
    const count = readSync(descriptor, into, done, into.length - done, position + done);
    if (count === 0) throw new BadStructure('the file became shorter');
    done += count;
  }
}
