import { counted } from '../base/text/counted.ts';

/** Every text that a search shows to the user: notes and warnings without, errors with their full stop. */
export const SEARCH_MESSAGES = {
  // Options and query sets.
  sameOutputs: '--output and --truth name the same file. Give each its own.',
  outputIsQuerySet: (output: string, option: string, path: string) =>
    `--${output} names a file of --${option}: ${path}. Give it another name.`,
  wrongTruthShare: (share: number) => `--truth-share must be a number from 0, not ${share}.`,
  wrongMaxDistance: '--max-distance must be a number.',
  wrongMemory: (text: string) => `--memory ${text}: write it like 2GB or 512MiB.`,
  rangeTooLong: (end: number, queryCount: number) =>
    `--range ends at ${end}, but there are ${counted(queryCount, 'query')}.`,
  memoryTooSmall: (memory: string, k: number, dimension: number, least: string) =>
    `--memory ${memory} is too small for k = ${k} and ${counted(dimension, 'component')}; the least is ${least}.`,
  noQuerySet: '--queries needs at least one shard.',
  noQueries: (paths: readonly string[]) => `${paths.join(', ')}: no queries.`,
  otherDimension: (path: string, dimension: number, bucket: string, bucketDimension: number) =>
    `${path}: query vectors of ${counted(dimension, 'component')}, but ${bucket} has ${bucketDimension}. ` +
    "Embed the queries with the database's own model.",
  otherModel: (path: string, model: string, bucket: string, bucketModel: string) =>
    `${path}: embedded by model ${model}, but ${bucket} by ${bucketModel}. ` +
    "Embed the queries with the database's own model.",
  duplicateQueryId: (paths: readonly string[], id: string) =>
    `${paths.join(', ')}: duplicated query id ${JSON.stringify(id)}. Ids of queries must differ.`,

  // The plan.
  noPartitionOrder: 'the table has no partition order; all of it is read (exact)',
  noIndex: 'the table has no index; all of it is read (exact)',
  allRowsWanted: 'k is at least the number of rows; all are read (exact)',
  fetchedFor: (bucket: string, strategies: readonly string[]) =>
    `${bucket}: fetching what ${strategies.join(' and ')} needs: by the estimate, the quickest.`,
  tunedProbes: (bucket: string, nprobes: number, partitions: number, recall: string) =>
    `${bucket}: ${nprobes} of ${counted(partitions, 'partition')} ${nprobes === 1 ? 'gives' : 'give'} recall ${recall}.`,
  estimates: (bucket: string, queryCount: number, nprobes: number, partitions: number, table: string) =>
    `${bucket}: estimates for ${counted(queryCount, 'query')}, ${nprobes} of ${counted(partitions, 'partition')}:\n${table}`,

  // The search.
  queriesOutsideFloat16: (bucket: string, queryCount: number, isPartitioned: boolean) =>
    `${bucket}: ${counted(queryCount, 'query')} ${queryCount === 1 ? 'does' : 'do'} not fit float16, the type of its vectors, so its index was not asked for them: they ` +
    `were compared with ${isPartitioned ? 'the vectors of their nearest partitions' : 'all vectors'}. ` +
    'Scale the vectors and the queries, or build with --vector-type float32',
  resumed: (bucket: string, resumed: number, blocks: number) =>
    `${bucket}: ${resumed} of ${counted(blocks, 'block')} ${resumed === 1 ? 'was' : 'were'} finished before.`,
  damagedDecision: (path: string, problem: string, folder: string) =>
    `${path}: damaged: ${problem}. Remove the folder ${folder} and search again.`,
} as const;
