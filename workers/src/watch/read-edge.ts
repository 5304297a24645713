import { type FileHandle, open } from 'node:fs/promises';
import { returnIfMissing } from '../base/missing-files.ts';

/** Reads the first bytes of a text; an empty text for a missing file. */
export function readStart(path: string, bytes: number): Promise<string> {
  return withFile(path, (file) => readFrom(file, 0, bytes));
}

/** Reads the last bytes of a text; an empty text for a missing file. */
export function readEnd(path: string, bytes: number): Promise<string> {
  return withFile(path, async (file) => readFrom(file, Math.max(0, (await file.stat()).size - bytes), bytes));
}

async function withFile(path: string, read: (file: FileHandle) => Promise<string>): Promise<string> {
  const file = await open(path, 'r').catch(returnIfMissing(undefined));
  if (file === undefined) return '';
  try {
    return await read(file);
  } finally {
    await file.close();
  }
}

async function readFrom(file: FileHandle, position: number, bytes: number): Promise<string> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(bytes), 0, bytes, position);
  return buffer.toString('utf8', 0, bytesRead);
}
