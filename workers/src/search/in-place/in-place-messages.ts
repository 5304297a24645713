import { counted } from '../../base/text/counted.ts';

const CAMPAIGN = 'Ask for less, or run a campaign: search-bucket and merge-hits, or the pipeline with --queries.';

/** Buckets that a message names. */
const SHOWN_BUCKETS = 5;

/** Texts for users about searches in place. */
export const IN_PLACE_MESSAGES = {
  noPValues:
    'The hits of a bucket have no p-values, which --max-evalue needs: an earlier version built it, or the refine factor is 0. Run index-bucket again for it, or ask without --max-evalue.',
  withoutPValues: (uri: string, buckets: readonly string[]) =>
    `${uri}: hits of ${buckets.slice(0, SHOWN_BUCKETS).join(', ')}${buckets.length > SHOWN_BUCKETS ? `, ... (${counted(buckets.length, 'bucket')})` : ''} ` +
    'have no p-values, which --max-evalue needs: an earlier version built the table, or the refine factor is 0. Run lanceflow index-bucket ' +
    `--bucket ${buckets[0]} --database ${uri}${buckets.length > 1 ? ', and for the others' : ''}, or ask without --max-evalue.`,
  evalueOfCodes:
    'With --refine-factor 0, distances are estimates, which have no E-values for --max-evalue. Omit one of the two.',
  // Settings and queries.
  wrongSettings: (problem: string) => `The settings of the search are wrong: ${problem}.`,
  manyQueries: (most: number) => `More than ${counted(most, 'query')}. ${CAMPAIGN}`,
  manyHits: (queryCount: number, k: number, most: number) =>
    `${counted(queryCount, 'query')} with k = ${k} ${queryCount === 1 ? 'has' : 'have'} ${counted(queryCount * k, 'neighbour')}, but at most ${most} can be asked. ${CAMPAIGN}`,
  noDatabase: 'Name the database, with --database, or the functions on AWS Lambda, with --remote.',
  noQueries: 'No query. Name a sequence, --input or --id.',
  wrongK: (k: number, most: number) => `--k must be a whole number from 1 to ${most}, not ${k}.`,
  wrongTimeout: (seconds: number) => `--timeout must be a number of seconds above 0, not ${seconds}.`,
  wrongMaxDistance: '--max-distance must be a number.',
  twoSources: (names: readonly string[]) => `${names.join(' and ')} both name queries. Give one of them.`,
  mixedInputs: '--input names FASTA files and files of vectors. Ask them separately.',
  namesWithoutVectors: '--h5-embedding and --h5-id name datasets of HDF5 files, but --input names none.',
  unknownId: (id: string, uri: string) =>
    `--id ${id} is not in the database ${uri}. Check its spelling; ids are compared byte by byte.`,
  badVector: (source: string, problem: string) => `${source}: ${problem}.`,

  // Output.
  jsonNeedsOutput: '--json prints its report on standard output. Write the neighbours to a file, with --output.',
  parquetNeedsOutput: '--format parquet needs --output, because a terminal or a pipe may change its bytes.',
  unknownFormat: (output: string) =>
    `--output ${output}: its name does not say the format. End it in .csv, .parquet, .jsonl or .fasta, or add --format.`,
  outputIsBucket: (output: string) => `--output ${output}: names a whole bucket. Write it like s3://bucket/near.csv.`,
  fastaHasNoColumns:
    '--format fasta writes descriptions and sequences, no other --columns. Omit --columns, or write csv, parquet or jsonl.',
  tableInFile: '--format table is for terminals. Write a file as csv, parquet, jsonl or fasta.',
  partialNote: (buckets: readonly string[]) => `partial answer without ${buckets.join(', ')}`,
  moreRows: (count: number) => `... and ${count} more: write all with --output`,

  // Buckets.
  twoMetrics: (bucket: string, metric: string, other: string, otherMetric: string) =>
    `${bucket} has distances of the metric ${metric}, but ${other} of ${otherMetric}. Ask them separately, with --buckets.`,
  unknownBuckets: (uri: string, unknown: readonly string[], names: readonly string[]) =>
    `${uri}: no bucket ${unknown.join(', ')}. The buckets are ${names.join(', ')}.`,
  timeout: (uri: string, bucket: string, seconds: number) =>
    `${uri}: ${bucket} did not answer within ${seconds} s. Run the same command again, with a larger --timeout or a smaller --k.`,
  diskFull: (folder: string, bytes: number) =>
    `The disk is full: ${folder} has no space for ${counted(bytes, 'byte')} of a copy that the search reads. Free space, or name another folder in TMPDIR, then run the same command again.`,
  failed: (bucket: string, message: string) => (message.includes(bucket) ? message : `${bucket}: ${message}`),
  allFailed: (count: number, first: string) =>
    `None of the ${counted(count, 'bucket')} answered. The first error: ${first}`,
} as const;
