const CAMPAIGN = 'Ask for less, or run a campaign: search-bucket and merge-hits, or the pipeline with --queries.';

/** Texts for users about searches in place. */
export const IN_PLACE_MESSAGES = {
  // Settings and queries.
  wrongSettings: (problem: string) => `The settings of the search are wrong: ${problem}.`,
  manyQueries: (queryCount: number, most: number) =>
    `${queryCount} queries, but at most ${most} can be asked. ${CAMPAIGN}`,
  manyHits: (queryCount: number, k: number, most: number) =>
    `${queryCount} queries with k = ${k} have ${queryCount * k} neighbours, but at most ${most} can be asked. ${CAMPAIGN}`,
  noQueries: 'No query. Name a sequence, --input or --id.',
  badVector: (source: string, problem: string) => `${source}: ${problem}.`,

  // Buckets.
  twoMetrics: (bucket: string, metric: string, other: string, otherMetric: string) =>
    `${bucket} has distances of the metric ${metric}, but ${other} of ${otherMetric}. Ask them separately, with --buckets.`,
  unknownBuckets: (uri: string, unknown: readonly string[], names: readonly string[]) =>
    `${uri}: no bucket ${unknown.join(', ')}. The buckets are ${names.join(', ')}.`,
  removed: (uri: string, bucket: string) => `${uri}: ${bucket} was removed from the database. Ask again.`,
  rebuilt: (uri: string, bucket: string) =>
    `${uri}: ${bucket} was built again while it was searched. Run the same command again.`,
  timeout: (uri: string, bucket: string, seconds: number) =>
    `${uri}: ${bucket} did not answer within ${seconds} s. Run the same command again, with a larger --timeout or a smaller --k.`,
  failed: (bucket: string, message: string) => (message.includes(bucket) ? message : `${bucket}: ${message}`),
  allFailed: (count: number, first: string) => `None of the ${count} buckets answered. The first error: ${first}`,
} as const;
