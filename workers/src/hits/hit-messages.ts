/** Every text about hits files that is shown to the user. */
export const HIT_MESSAGES = {
  // Files that are merged.
  twoMetrics: (paths: string, metrics: readonly [string, string]) =>
    `${paths} hold distances of two metrics, ${metrics[0]} and ${metrics[1]}. Merge each by itself.`,
  twoQuerySets: (paths: string) => `${paths} are hits of two query sets: of two campaigns? Merge each by itself.`,
  twoFilters: (paths: string) =>
    `${paths} were searched with two settings of --exclude-self or --max-distance. Search one of them again.`,
  kTooSmall: (path: string, hitsK: number, k: number) =>
    `${path}: these hits were cut at k = ${hitsK}, so the ${k} nearest over all buckets are unknown. ` +
    `Search it again with --k ${k}, or merge with --k ${hitsK}.`,
  countedTwice: (path: string, other: string, bucket: string) =>
    `${path} and ${other} both have hits of ${bucket} for the same queries, which would count double. Name one of them.`,

  // Files that are read.
  notParquet: (path: string) => `${path}: this is not a Parquet file. Name the hits that search-bucket wrote.`,
  unreadable: (path: string, part: string, reason: string) =>
    `${path}: cannot read its ${part}: ${reason}. Run the same command again.`,
  damaged: (path: string, part: string, reason: string) =>
    `${path}: cannot read its ${part}: the file is damaged or cut off (${reason}). Write it again.`,
  damagedMetadata: (path: string, problem: string) =>
    `${path}: the metadata of these hits is damaged: ${problem}. Search the bucket again.`,
  noColumn: (path: string, name: string, names: readonly string[]) =>
    `${path}: it has no column ${name} (its columns: ${names.join(', ')}).`,
  wrongColumn: (path: string, name: string, type: string, wanted: string) =>
    `${path}: column ${name} holds ${type}; it must hold ${wanted}.`,
  nullInColumn: (path: string, name: string, rowGroup: number, first: number, last: number) =>
    `${path}: column ${name} holds a null in row group ${rowGroup}, rows ${first} to ${last}.`,
  notANumber: (path: string, rowGroup: number, row: number) =>
    `${path}: the distance in row group ${rowGroup}, row ${row} is not a number. Search this bucket again.`,
} as const;
