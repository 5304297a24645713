import { isUtf8 } from 'node:buffer';
import { open } from 'node:fs/promises';
import { DataError } from '../errors.ts';
import { MAX_TEXT_BYTES } from '../limits.ts';
import { counted } from './counted.ts';

const BLOCK_BYTES = 1 << 20;

/**
 * Reads a whole text file, or a pipe, whose size is unknown. Memory: at most twice the size.
 * @throws DataError if it has more than `maxBytes` bytes or is not UTF-8; the system's error if it cannot be read
 */
export async function readText(path: string, maxBytes = MAX_TEXT_BYTES): Promise<string> {
  return decodeText(path, await readBytes(path, maxBytes));
}

/** Decodes UTF-8. @throws DataError, which names the file, if it is not UTF-8 */
export function decodeText(path: string, bytes: Buffer): string {
  if (!isUtf8(bytes)) throw new DataError(`${path}: is not UTF-8. Convert the file, for instance with iconv.`);
  return bytes.toString('utf8');
}

/**
 * Reads a whole file, or a pipe, whose size is unknown. Memory: at most twice the size.
 * @throws DataError if it has more than `maxBytes` bytes; the system's error if it cannot be read
 */
export async function readBytes(path: string, maxBytes = MAX_TEXT_BYTES): Promise<Buffer> {
  const file = await open(path, 'r');
  try {
    if ((await file.stat()).isDirectory()) throw new DataError(`${path}: is a folder, not a file.`);
    const blocks: Buffer[] = [];
    let bytes = 0;
    for (;;) {
      const block = Buffer.allocUnsafe(BLOCK_BYTES);
      const { bytesRead } = await file.read(block, 0, BLOCK_BYTES, null);
      if (bytesRead === 0) break;
      bytes += bytesRead;
      if (bytes > maxBytes)
        throw new DataError(`${path}: has more than ${counted(maxBytes, 'byte')}. Is it the right file?`);
      // Copied, because most files are much smaller than a block.
      blocks.push(Buffer.from(block.subarray(0, bytesRead)));
    }
    return Buffer.concat(blocks);
  } finally {
    await file.close();
  }
}
