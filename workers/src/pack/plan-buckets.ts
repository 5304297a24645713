import type { CommandContext } from '../app/command.ts';
import type { CatalogEntry } from '../database/catalog/catalog-entry.ts';
import type { BucketPlan, PlanSource } from '../database/catalog/plan.ts';
import type { Database } from '../database/database.ts';
import { namedInputs } from './pack-inputs.ts';
import { packingQuality, packShards } from './packing.ts';
import { reserveBuckets } from './reserve-buckets.ts';
import { surveyShards } from './survey-shards.ts';

/** A build to plan. */
export interface PackRequest {
  /** Shards, or their descriptions. */
  input: readonly string[];
  /** Name of each input in the plan and in messages; default: the one in its description, or its path. */
  name?: readonly string[] | undefined;
  /** The plan's path. */
  output: string;
  /** Maximum vector count of a bucket. */
  bucketSize: number;
  /** The database that the buckets will join, if it exists. */
  database: Database | undefined;
  /** Whether to refuse ids that the database already has. */
  checkIds: boolean;
}

/**
 * Plans which shards go into which bucket, and reserves the buckets' names in the database. Skips rows that the
 * database already has.
 * @throws DataError for unreadable shards, shards that do not fit the database, and duplicated ids
 */
export async function planBuckets(
  { input, name, output, bucketSize, database, checkIds }: PackRequest,
  context: Pick<CommandContext, 'progress'>,
): Promise<{ plan: BucketPlan; shardCount: number }> {
  const survey = await surveyShards(namedInputs(input, name), output, database, checkIds, context);
  const { shards, dimension, model, missing, entries } = survey;
  const packed = packShards(missing.flat(), bucketSize);
  const sources = packed.map((bucket) =>
    bucket.map(({ shard, start, end }): PlanSource => {
      const { path, rows, contentHash, vectorType } = shards[shard]!;
      return { shard, path, rows, start, end, contentHash, vectorType };
    }),
  );
  const names = await reserveBuckets(database, survey, sources);
  const holders = holdersOf(entries);
  const plan: BucketPlan = {
    version: 1,
    dimension,
    ...(model === undefined ? {} : { model }),
    bucketSize,
    rows: sources.flat().reduce((sum, { start, end }) => sum + end - start, 0),
    ...(packed.length > 0 ? { quality: packingQuality(packed, bucketSize) } : {}),
    held: shards
      .filter(({ rows }, shard) => rows > 0 && missing[shard]!.length === 0)
      .map(({ path, contentHash }) => ({ path, bucket: holders.get(contentHash) ?? '' })),
    buckets: sources.map((bucketSources, i) => ({
      bucket: names[i]!,
      rows: bucketSources.reduce((sum, { start, end }) => sum + end - start, 0),
      sources: bucketSources,
    })),
  };
  return { plan, shardCount: shards.length };
}

/** Maps the content hash of a shard to a bucket that has rows of it: the last of several. */
function holdersOf(entries: readonly CatalogEntry[]): Map<string, string> {
  return new Map(entries.flatMap(({ bucket, sources }) => sources.map(({ contentHash }) => [contentHash, bucket])));
}
