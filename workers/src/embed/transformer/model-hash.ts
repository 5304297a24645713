import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';

const BLOCK_BYTES = 4 * 1024 * 1024;

/**
 * Computes the identity of a model: SHA-256 over its config, tokenizer and weights, in this order. Independent of the names and
 * paths of the files.
 * @returns 64 hexadecimal digits
 */
export async function hashFiles(paths: readonly string[]): Promise<string> {
  const hash = createHash('sha256');
  const block = Buffer.alloc(BLOCK_BYTES);
  for (const path of paths) {
    const file = await open(path, 'r');
    try {
      for (;;) {
        const { bytesRead } = await file.read(block, 0, block.length, null);
        if (bytesRead === 0) break;
        hash.update(block.subarray(0, bytesRead));
      }
    } finally {
      await file.close();
    }
  }
  return hash.digest('hex');
}
