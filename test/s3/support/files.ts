import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { CRC64 } from '../../../workers/src/base/bytes/checksum.ts';

/** Files of these sizes, of bytes that do not repeat, as the catalog would describe them. */
export async function makeFiles(folder: string, sizes: readonly number[]) {
  const files: { key: string; path: string; bytes: number; checksum: string }[] = [];
  for (const [i, bytes] of sizes.entries()) {
    const key = `data/${i}.lance`;
    const path = join(folder, key);
    const content =
      bytes === 0 ? Buffer.alloc(0) : createHash('shake128', { outputLength: bytes }).update(`${i} ${bytes}`).digest();
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, content);
    files.push({ key, path, bytes, checksum: CRC64.format(CRC64.of(content)) });
  }
  return files;
}
