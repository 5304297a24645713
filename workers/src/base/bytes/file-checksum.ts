import { createReadStream } from 'node:fs';
import { CRC64 } from './checksum.ts';

/** Checksum of a file. @param range the bytes it is of; all where not given */
export async function checksumOf(
  path: string,
  algorithm = CRC64,
  range?: { start: number; end: number },
): Promise<string> {
  // Streams name the last byte, not the one after it.
  const part = range && { start: range.start, end: range.end - 1 };
  let value = 0n;
  for await (const chunk of createReadStream(path, { highWaterMark: 2 ** 20, ...part }))
    value = algorithm.of(chunk, value);
  return algorithm.format(value);
}
