import { mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { algorithmOf, type ChecksumAlgorithm } from '../../base/bytes/checksum.ts';
import { DataError } from '../../base/errors.ts';
import { temporaryName } from '../../base/files/temporary.ts';
import { writeAt } from '../../base/files/write-atomically.ts';
import { findStats } from '../../base/missing-files.ts';
import { formatS3Uri } from '../../base/s3-location.ts';
import type { S3Bucket } from '../client.ts';
import { fetchBlocks } from '../ranges/range.ts';

/** An object of which a range is skipped: the file is sparse there and uses no space for it. */
export interface AroundFile {
  key: string;
  path: string;
  bytes: number;
  hole: { start: number; end: number };
  /** Checksum of what is around the hole. */
  checksum: string;
}

/** Downloads an object except its hole. The file is renamed when it is complete; an existing one is kept. */
export async function downloadFileAround(
  s3: S3Bucket,
  { key, path, bytes, hole, checksum: expected }: AroundFile,
  signal: AbortSignal,
): Promise<void> {
  if ((await findStats(path))?.size === bytes) return;
  await mkdir(dirname(path), { recursive: true });
  const temporary = temporaryName(path);
  try {
    const found = await fetchAround(s3, key, temporary, bytes, hole, { signal, algorithm: algorithmOf(expected) });
    if (found !== expected)
      throw new DataError(
        `${formatS3Uri(s3.location, key)}: damaged: it is not what was built. Build the bucket again.`,
      );
    await rename(temporary, path);
  } finally {
    await rm(temporary, { force: true });
  }
}

/** @returns checksum of the fetched bytes */
async function fetchAround(
  s3: S3Bucket,
  key: string,
  path: string,
  bytes: number,
  hole: AroundFile['hole'],
  options: { signal: AbortSignal; algorithm: ChecksumAlgorithm },
): Promise<string> {
  await using file = await open(path, 'wx');
  await file.truncate(bytes);
  const { algorithm } = options;
  let sum = 0n;
  for (const { start, end } of [
    { start: 0, end: hole.start },
    { start: hole.end, end: bytes },
  ]) {
    if (start === end) continue;
    const write = (block: Buffer, position: number) => writeAt(file, block, position);
    const part = await fetchBlocks(s3, key, start, end - start, write, options);
    sum = algorithm.combine(sum, part, end - start);
  }
  return algorithm.format(sum);
}
