import { mkdir, stat, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { countRetry } from '../../app/usage.ts';
import { mapConcurrently } from '../../base/concurrency/map-concurrently.ts';
import { DataError, TransientError } from '../../base/errors.ts';
import { findStats } from '../../base/missing-files.ts';
import { formatS3Uri } from '../../base/s3-location.ts';
import { formatByteSize } from '../../base/text/byte-size.ts';
import type { S3Bucket } from '../client.ts';
import type { AroundFile } from './download-around.ts';
import { PartialFile } from './partial-file.ts';
import { type Transfers, withTransfers } from './transfers.ts';

/** An object to download, as described by the catalog. */
export interface DownloadFile {
  /** Path below the location. */
  key: string;
  /** The file to write. */
  path: string;
  bytes: number;
  /** Checksum of the content. */
  checksum: string;
}

export interface DownloadOptions {
  /** Called with the bytes on the disk: first the existing ones, then each part. */
  onProgress?(bytes: number): void;
  /** Worker threads at most. Default: by the bytes and the cores. */
  threads?: number | undefined;
}

export interface Downloaded {
  /** Of all files. */
  bytes: number;
  /** Bytes fetched now; the others existed. */
  fetchedBytes: number;
}

const PART_BYTES = 16 * 2 ** 20;
const PARTS_AT_ONCE = 16;
const FILES_AT_ONCE = 16;
/** Disk space that stays free. */
const SPARE_BYTES = 64 * 2 ** 20;

/**
 * Downloads objects to files in worker threads, many parts at once, each to its position in a file of full size. Checks the free space
 * first. A killed download resumes with the missing parts. A file is renamed when its checksum matches the catalog; a file of full
 * size is kept. Memory: see `TransferTasks`.
 * @throws TransientError where the disk is too small or a fault lasts, DataError where an object is damaged
 */
export async function downloadFiles(
  s3: S3Bucket,
  files: readonly DownloadFile[],
  { onProgress = () => {}, threads }: DownloadOptions = {},
): Promise<Downloaded> {
  const absent: DownloadFile[] = [];
  for (const file of files) {
    if ((await findStats(file.path))?.size !== file.bytes) absent.push(file);
    else onProgress(file.bytes);
  }
  const partials = absent.map(({ path, bytes, checksum }) => new PartialFile(path, bytes, checksum, PART_BYTES));
  await requireSpace(partials);
  const fetched = await withTransfers(s3, { bytes: byteCount(absent), threads }, (transfers) =>
    mapConcurrently(absent, FILES_AT_ONCE, ({ key }, index, signal) =>
      downloadFile(s3, key, partials[index]!, transfers, onProgress, signal),
    ),
  );
  return { bytes: byteCount(files), fetchedBytes: fetched.reduce((sum, bytes) => sum + bytes, 0) };
}

/** Downloads objects except their holes; existing files are kept. */
export async function downloadAround(
  s3: S3Bucket,
  files: readonly AroundFile[],
  onProgress: (bytes: number) => void,
): Promise<void> {
  const bytesOf = ({ bytes, hole }: AroundFile) => bytes - (hole.end - hole.start);
  const total = files.reduce((sum, file) => sum + bytesOf(file), 0);
  await withTransfers(s3, { bytes: total }, (transfers) =>
    mapConcurrently(files, transfers.concurrency, async (file) => {
      await transfers.run('downloadAround', file);
      onProgress(bytesOf(file));
    }),
  );
}

/** @returns the fetched bytes */
async function downloadFile(
  s3: S3Bucket,
  key: string,
  file: PartialFile,
  transfers: Transfers,
  onProgress: (bytes: number) => void,
  signal: AbortSignal,
): Promise<number> {
  let fetched = 0;
  const rangeOf = (part: number) => ({
    path: file.temporary,
    offset: file.begin(part),
    length: file.length(part),
    checksum: file.expected,
  });
  onProgress(await file.resume((part) => transfers.run('checksumPart', rangeOf(part))));
  for (let again = false; ; again = true) {
    await file.open();
    try {
      const parts = Array.from({ length: file.parts }, (_, part) => part).filter((part) => !file.has(part));
      await mapConcurrently(parts, PARTS_AT_ONCE, async (part) => {
        signal.throwIfAborted();
        // Only written bytes count.
        await file.addPart(part, await transfers.run('fetchPart', { key, ...rangeOf(part) }));
        fetched += file.length(part);
        onProgress(file.length(part));
      });
    } catch (error) {
      await file.close();
      throw error;
    }
    const found = file.checksum();
    if (found === file.expected) {
      await file.finish();
      return fetched;
    }
    await file.discard();
    if (again)
      throw new DataError(
        `${formatS3Uri(s3.location, key)}: damaged: its checksum is ${found}, not ${file.expected} as in the catalog; it was fetched twice. Build the bucket again.`,
      );
    onProgress(-file.bytes);
    countRetry();
  }
}

/** Checks the free space of each file system. @throws TransientError with the needed and the free space */
async function requireSpace(files: readonly PartialFile[]): Promise<void> {
  const needed = new Map<number, { bytes: number; folder: string }>();
  for (const file of files) {
    const folder = dirname(file.path);
    await mkdir(folder, { recursive: true });
    const { dev } = await stat(folder);
    const entry = needed.get(dev) ?? { bytes: 0, folder };
    entry.bytes += Math.max(0, file.bytes - (await file.allocatedBytes()));
    needed.set(dev, entry);
  }
  for (const { bytes, folder } of needed.values()) {
    const { bavail, bsize } = await statfs(folder);
    const free = bavail * bsize;
    if (bytes + SPARE_BYTES > free)
      throw new TransientError(
        `${folder}: ${formatByteSize(bytes)} are to be fetched, but only ${formatByteSize(free)} are free there. ` +
          'Free some space or choose another folder, then run the same command again.',
      );
  }
}

function byteCount(files: readonly DownloadFile[]): number {
  return files.reduce((sum, { bytes }) => sum + bytes, 0);
}
