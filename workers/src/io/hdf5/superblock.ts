import { type FileHandle, open } from 'node:fs/promises';
import { DataError } from '../../errors.ts';

const SIGNATURE = Buffer.from('\x89HDF\r\n\x1a\n', 'latin1');

/**
 * Checks that a file is HDF5 and as long as its superblock says, before the library opens it: the library
 * reports both as the same failure. Format: HDF5 File Format Specification 3.0, section II.A.
 * @throws DataError naming the file
 */
export async function checkSuperblock(path: string): Promise<void> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    const expectedBytes = await readEndOfFile(file, size);
    if (expectedBytes === undefined)
      throw new DataError(`${path}: not an HDF5 file. Shards are HDF5 with datasets "embedding" and "id".`);
    if (size < expectedBytes)
      throw new DataError(
        `${path}: truncated: ${size} bytes of ${expectedBytes} are there. Copy or make the file again.`,
      );
  } finally {
    await file.close();
  }
}

/** End-of-file address from the superblock at 0, 512, 1024, 2048, ...; undefined where there is none. */
async function readEndOfFile(file: FileHandle, fileBytes: number): Promise<number | undefined> {
  const block = Buffer.alloc(96);
  for (let at = 0; at < fileBytes; at = at === 0 ? 512 : at * 2) {
    const { bytesRead } = await file.read(block, 0, block.length, at);
    if (bytesRead < 48 || !block.subarray(0, 8).equals(SIGNATURE)) continue;
    const version = block[8]!;
    // Offsets of 8 bytes are what every writer uses; others are left to the library.
    const offsetBytes = version < 2 ? block[13]! : block[9]!;
    if (offsetBytes !== 8) return 0;
    const endAt = version < 2 ? (version === 0 ? 40 : 44) : 28;
    return Number(block.readBigUInt64LE(endAt));
  }
  return undefined;
}
