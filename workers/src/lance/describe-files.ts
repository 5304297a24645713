import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { CRC64 } from '../base/bytes/checksum.ts';
import { checksumOfFile } from '../base/bytes/file-checksum.ts';
import { mapConcurrently } from '../base/concurrency/map-concurrently.ts';
import { withThreadPool } from '../base/threads/thread-pool.ts';
import type { ChecksumMethods, FileRange } from './checksum-worker.ts';
import type { TableFile } from './table-files.ts';

/** Bytes that one request reads. */
const RANGE_BYTES = 64 * 2 ** 20;
/** Reading fewer bytes takes less time than starting a thread. */
const LEAST_BYTES_FOR_THREADS = 256 * 2 ** 20;
const FILES_AT_ONCE = 8;

/**
 * Returns the sizes and checksums of a table's files. If the files are large, threads compute the checksums of ranges.
 * @param paths relative to the table's folder
 * @param known files whose checksums are known
 */
export async function describeFiles(
  folder: string,
  paths: readonly string[],
  known: readonly TableFile[],
  threads: number,
): Promise<TableFile[]> {
  const byPath = new Map(known.map((file) => [file.path, file]));
  const sizes = await mapConcurrently(paths, FILES_AT_ONCE, async (path) => (await stat(join(folder, path))).size);
  const files = paths.map((path, i) => ({ path, bytes: sizes[i]! }));
  const unknown = files.filter(({ path, bytes }) => byPath.get(path)?.bytes !== bytes);
  const checksums = await checksumFiles(folder, unknown, threads);
  return files.map((file) => ({ ...file, checksum: checksums.get(file.path) ?? byPath.get(file.path)!.checksum }));
}

type MeasuredFile = Pick<TableFile, 'path' | 'bytes'>;

/** @returns checksums by path */
async function checksumFiles(
  folder: string,
  files: readonly MeasuredFile[],
  threads: number,
): Promise<Map<string, string>> {
  const total = files.reduce((sum, { bytes }) => sum + bytes, 0);
  if (total < LEAST_BYTES_FOR_THREADS) {
    const sums = await mapConcurrently(files, FILES_AT_ONCE, ({ path }) => checksumOfFile(join(folder, path)));
    return new Map(files.map(({ path }, i) => [path, sums[i]!]));
  }
  const ranges = files.flatMap((file) => rangesOf(folder, file));
  const options = { name: 'checksums', count: Math.min(threads, ranges.length) };
  const module = new URL('./checksum-worker.ts', import.meta.url);
  const sums = await withThreadPool<ChecksumMethods, bigint[]>(module, options, (pool) =>
    pool.runAll('checksum', ranges),
  );
  const checksums = new Map<string, string>();
  let range = 0;
  for (const { path, bytes } of files) {
    let sum = 0n;
    for (let start = 0; start < bytes; start += RANGE_BYTES)
      sum = CRC64.combine(sum, sums[range++]!, Math.min(RANGE_BYTES, bytes - start));
    checksums.set(path, CRC64.format(sum));
  }
  return checksums;
}

/** Divides a file into ranges: none if it is empty. */
function rangesOf(folder: string, { path, bytes }: MeasuredFile): FileRange[] {
  const ranges: FileRange[] = [];
  for (let start = 0; start < bytes; start += RANGE_BYTES)
    ranges.push({ path: join(folder, path), start, end: Math.min(bytes, start + RANGE_BYTES) });
  return ranges;
}
