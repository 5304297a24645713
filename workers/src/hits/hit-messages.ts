import { counted } from '../base/text/counted.ts';

/** Messages about hits and neighbours for users. */
export const HIT_MESSAGES = {
  wrongRange: (text: string) => `--range ${text}: write it like 0:1000, the first position and the one after the last.`,

  // Merging
  twoMetrics: (paths: string, metrics: readonly [string, string]) =>
    `${paths} have distances of two metrics, ${metrics[0]} and ${metrics[1]}. Merge them separately.`,
  twoQuerySets: (paths: string) =>
    `${paths} are hits of two query sets, perhaps of two campaigns. Merge them separately.`,
  twoFilters: (paths: string) =>
    `${paths} were searched with different --exclude-self or --max-distance. Search one of them again.`,
  twoWheres: (paths: string) => `${paths} were searched with different --where. Search one of them again.`,
  kTooSmall: (path: string, hitsK: number, k: number) =>
    `${path}: these hits were cut at k = ${hitsK}, so the ${k} nearest over all buckets are unknown. ` +
    `Search it again with --k ${k}, or merge with --k ${hitsK}.`,
  countedTwice: (path: string, other: string, bucket: string) =>
    `${path} and ${other} both have hits of ${bucket} for the same queries, which would be counted twice. Name only one.`,

  // FASTA
  withoutSequence: (count: number) =>
    `${counted(count, 'target')} without a sequence ${count === 1 ? 'is' : 'are'} not in the FASTA file`,
  twoSequences: (count: number, first: string) =>
    `${counted(count, 'target')} ${count === 1 ? 'has' : 'have'} several sequences under one id, ${first} for example; the FASTA file has that of the first neighbour`,

  // Reading
  notParquet: (path: string) => `${path}: this is not a Parquet file. Name the hits that search-bucket wrote.`,
  unreadable: (path: string, part: string, reason: string) =>
    `${path}: cannot read its ${part}: ${reason}. Run the same command again.`,
  damaged: (path: string, part: string, reason: string) =>
    `${path}: cannot read its ${part}: the file is damaged or truncated (${reason}). Write it again.`,
  damagedMetadata: (path: string, problem: string) =>
    `${path}: the metadata of these hits is damaged: ${problem}. Search the bucket again.`,
  noColumn: (path: string, name: string, names: readonly string[]) =>
    `${path}: it has no column ${name} (its columns: ${names.join(', ')}).`,
  wrongColumn: (path: string, name: string, type: string, wanted: string) =>
    `${path}: column ${name} has type ${type}; it must be ${wanted}.`,
  nullInColumn: (path: string, name: string, rowGroup: number, first: number, last: number) =>
    `${path}: column ${name} contains a null in row group ${rowGroup}, rows ${first} to ${last}.`,
  notANumber: (path: string, rowGroup: number, row: number) =>
    `${path}: the distance in row group ${rowGroup}, row ${row} is not a number. Search this bucket again.`,
} as const;
