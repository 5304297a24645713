import { createReadStream } from 'node:fs';
import { CRC64 } from './checksum.ts';

/** Computes the checksum of a file. @param range bytes [start, end); the whole file by default */
export async function checksumOfFile(
  path: string,
  algorithm = CRC64,
  range?: { start: number; end: number },
): Promise<string> {
  // `end` of a stream is inclusive.
  const part = range && { start: range.start, end: range.end - 1 };
  let value = 0n;
  for await (const chunk of createReadStream(path, { highWaterMark: 2 ** 20, ...part }))
    value = algorithm.of(chunk, value);
  return algorithm.format(value);
}
