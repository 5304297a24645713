// The texts of this room's errors, warnings and findings, for users. Warnings and findings have no full stop: callers add it.

export function noScanWithoutPartitions(bucket: string, path: string): string {
  return `${bucket}: ${path} is missing, so it cannot be scanned. Build the bucket again.`;
}

export function deniedBucket(uri: string, bucket: string): string {
  return (
    `${uri}: ${bucket} cannot be read: access denied. These credentials lack the permission for it, or LanceDB, which ` +
    'reads with --stream, finds others than LanceFlow. Leave out --stream, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.'
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
  return `the vectors of ${path} do not begin at byte ${offset}, the "offset" in its catalog entry, or it was changed`;
}

export function unevenPartitions(rows: number, total: number, median: number): string {
  return (
    `the largest partition has ${rows} of ${total} rows, the median ${median}. ` +
    'Its rows are nearly alike, or very short beside others, so searches that probe it read more'
  );
}

export function misplacedRows(bucket: string): string {
  return (
    `${bucket}: an earlier version put rows beside much longer ones into wrong partitions, so scan and ann miss neighbours; ` +
    `exact does not. Remove _catalog/${bucket}.json there and build it again`
  );
}

export function compactedFiles(bucket: string, tableVersion: number): string {
  return (
    `${bucket}: another client compacted the table and removed version ${tableVersion}: its rows are the same, its files cannot be checked. ` +
    'Build the bucket again.'
  );
}

export function newerVersion(bucket: string, version: number, operation: string, tableVersion: number): string {
  return `${bucket}: another client made version ${version} (${operation}), whose rows are those of version ${tableVersion}.`;
}

export function duplicatedId(id: string, first: string, second: string): string {
  return `id ${id} is in the database twice: ${first} and ${second}`;
}
