// Errors, warnings and findings of this folder, for users. Warnings and findings have no full stop: callers add it.

export function noScanWithoutPartitions(bucket: string, path: string): string {
  return `${bucket}: ${path} is missing, so it cannot be scanned. Build the bucket again.`;
}

export function deniedBucket(uri: string, bucket: string): string {
  return (
    `${uri}: ${bucket} cannot be read: access denied. These credentials lack the permission, or LanceDB, which reads with ` +
    '--stream, uses other credentials than LanceFlow. Omit --stream, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.'
  );
}

export function unreadableNow(uri: string, bucket: string, reason: string): string {
  return `${uri}: ${bucket} cannot be read now: ${reason}. Run the same command again.`;
}

export function damagedTable(uri: string, bucket: string, problem: string): string {
  return `${uri}: ${bucket} is damaged: ${problem}. Remove _catalog/${bucket}.json there and build it again.`;
}

export function wrongEntry(contradiction: string): string {
  return `its catalog entry is wrong: ${contradiction}`;
}

export function wrongOffset(path: string, offset: number): string {
  return `the vectors of ${path} do not begin at byte ${offset}, the "offset" in its catalog entry, or the file was changed`;
}

export function unevenPartitions(rows: number, total: number, median: number): string {
  return (
    `the largest partition has ${rows} of ${total} rows, the median ${median}. ` +
    'Its rows are nearly equal, or much shorter than others, so searches that probe it read more'
  );
}

export function misplacedRows(bucket: string): string {
  return (
    `${bucket}: an earlier version assigned rows to wrong partitions where other rows are much longer, so scan and ann miss ` +
    `neighbours; exact does not. Remove _catalog/${bucket}.json there and build it again`
  );
}

export function compactedFiles(bucket: string, tableVersion: number): string {
  return (
    `${bucket}: another client compacted the table and removed version ${tableVersion}: its rows are the same, but its files cannot be checked. ` +
    'Build the bucket again.'
  );
}

export function newerVersion(bucket: string, version: number, operation: string, tableVersion: number): string {
  return `${bucket}: another client wrote version ${version} (${operation}), which has the same rows as version ${tableVersion}.`;
}

export function duplicatedId(id: string, first: string, second: string): string {
  return `id ${id} is in the database twice: ${first} and ${second}`;
}
