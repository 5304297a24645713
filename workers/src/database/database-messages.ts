import { formatByteSize as size } from '../base/text/byte-size.ts';

// Errors and log lines of this folder, for users. Messages about fields of documents: catalog/catalog-rules.ts.

const MAX_NAMES = 10;

// Addresses

export const emptyAddress = '--database is empty; name a folder, or s3://bucket/prefix.';

export function controlCharacters(uri: string): string {
  return `--database ${JSON.stringify(uri)}: its path must not have control characters.`;
}

export function unknownScheme(uri: string, scheme: string): string {
  return `--database ${uri}: "${scheme}://" is not supported; name a folder, or s3://bucket/prefix.`;
}

export function notAFolder(root: string): string {
  return `${root}: this is a file; a database is a folder.`;
}

export function missingFolder(root: string): string {
  return `${root}: no such folder. Check --database, or build the database first.`;
}

// Buckets

export function noBuckets(uri: string): string {
  return `${uri}: no buckets in this database. Build it first: nextflow run main.nf --input ... --database ${uri}`;
}

export function unknownBucket(uri: string, bucket: string, names: readonly string[]): string {
  return `${uri}: no bucket ${JSON.stringify(bucket)} in this database; it has: ${listNames(names)}.`;
}

export function bucketNotInPlan(path: string, bucket: string, names: readonly string[]): string {
  return `${path}: no bucket ${JSON.stringify(bucket)} in this plan; it has: ${listNames(names)}.`;
}

export function notABucketName(shownName: string): string {
  return `${shownName} cannot be a bucket's name: use letters, digits, "_", "-" and "." (bucket_00001), at most 100`;
}

export function rowsInOtherBucket(uri: string, bucket: string, other: string): string {
  return (
    `${uri}: meanwhile, another build has put rows of ${bucket} into ${other}. Run the build again: it skips rows that the ` +
    'database already has.'
  );
}

function listNames(names: readonly string[]): string {
  if (names.length > MAX_NAMES) return `${names.slice(0, MAX_NAMES).join(', ')}, ...`;
  return names.join(', ') || 'none';
}

// Locks

/** @param takeover how long the wait lasts if the holder was killed */
export function waitingForLock(bucket: string, takeover: string): string {
  return `${bucket} is being built by another process; waiting for it (${takeover}).`;
}

export function lostLock(bucket: string, reason: string): string {
  return `The lock of ${bucket} was lost (${reason}). Run the same command again.`;
}

export function busyCache(path: string): string {
  return `${path}: other tasks have locked this folder for a minute. Run the same command again.`;
}

// Disk

/** Figures of a disk, in bytes. */
export interface DiskFigures {
  free: number;
  /** The part of `free` that other tasks have reserved but not written yet. */
  reserved: number;
  /** Kept tables that nobody uses, which are removed when their space is needed. */
  unused: number;
}

export function tooLittleSpace(folder: string, bytes: number, { free, reserved, unused }: DiskFigures): string {
  return (
    `${folder}: too little disk space: ${size(bytes)} are needed, and ${size(free)} are free, of which other tasks have reserved ` +
    `${size(Math.min(free, reserved))}; kept tables that nobody uses could free ${size(unused)}. ` +
    'Free space, choose a folder on a larger disk (--work), or wait until other tasks are done, then run the same command again.'
  );
}

export function tooSmallDisk(folder: string, bytes: number, total: number): string {
  return (
    `${folder}: ${size(bytes)} are needed, but the whole disk has ${size(total)}. ` +
    'Name a folder on a larger disk in --work, or search with --stream, which stores nothing.'
  );
}

export function wrongKeptShare(value: string | undefined, usual: number): string {
  return `LANCEFLOW_WORK_KEEP is ${value}; it must be a share of the disk from 0 to 1, such as ${usual}.`;
}

// Files of tables

export function missingTableFile(path: string): string {
  return `${path}: the table's file is missing. Build the bucket again.`;
}

export function shortTableFile(path: string): string {
  return `${path}: the file is truncated. Build the bucket again.`;
}

export function missingObject(uri: string, path: string): string {
  return `${uri}/${path}: no such object. Build the bucket again.`;
}

export function damagedPartitions(path: string, problem: string): string {
  return `${path}: damaged: ${problem}. Build the bucket again.`;
}

export function damagedRecord(where: string, kind: string, problem: string): string {
  return `${where}: the ${kind} is damaged: ${problem}. Remove this file and build the bucket again.`;
}

export function notAPlan(path: string, problem: string): string {
  return `${path}: not a bucket plan: ${problem}. Create one with lanceflow pack-buckets.`;
}

export function compactedTable(bucket: string, tableVersion: number): string {
  return (
    `${bucket}: another client compacted the table and removed version ${tableVersion}. Its rows are the same, but the partition order ` +
    'is lost, so the scan strategy is unavailable. Build the bucket again to restore it.'
  );
}

export function removedBucket(uri: string, bucket: string): string {
  return `${uri}: ${bucket} was removed from the database, or is being built again. Run the same command again.`;
}

/** @param by the bucket that has its rows */
export function replacedBucket(uri: string, bucket: string, by: string): string {
  return (
    `${uri}: ${bucket} was replaced: its rows are in ${by} (merge-buckets, compact or adopt). Name that bucket, or run the whole build or ` +
    'search again, which reads the catalog anew.'
  );
}

export function rebuiltBucket(uri: string, bucket: string): string {
  return `${uri}: ${bucket} was built again while it was read. Run the same command again.`;
}

export function keptRevision(bucket: string): string {
  return `${bucket}: rows were deleted or taken over from another client since it was built, so its table and index are kept.`;
}

export function measuredNulls(bucket: string): string {
  return `${bucket}: measured the distances of unrelated proteins, so searches of it have E-values now.`;
}

export function changedMeanwhile(uri: string, bucket: string): string {
  return `${uri}: another client changed ${bucket} meanwhile. Run the same command again.`;
}

// S3

export function noAnswerToLanceDb(uri: string, endpoint: string, seconds: number): string {
  return `${uri}: ${endpoint} did not answer LanceDB within ${seconds} s. Check the network, then run the same command again.`;
}

/** @param condition If-Match or If-None-Match, as the SDK names it */
export function ignoredCondition(uri: string, endpoint: string, condition: string): string {
  return (
    `${uri}: ${endpoint} accepts conditional writes (${condition}) whose condition is false, so two builds would ` +
    'write to one bucket at once. Databases there can be searched. To build, use a folder or another service (docs/aws.md ' +
    'lists some), and copy the database.'
  );
}
