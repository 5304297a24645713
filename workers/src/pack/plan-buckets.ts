import type { CommandContext } from '../app/command.ts';
import { type BucketPlan, type PlanSource, rowHashOf } from '../database/catalog/bucket-plan.ts';
import type { Database } from '../database/database.ts';
import { parseKeep } from '../shard/columns/keep.ts';
import type { DescribedShard } from '../shard/description-file.ts';
import type { KnownBucket } from './known-bucket.ts';
import { namedInputs, type PackInput } from './pack-inputs.ts';
import { changedFiles, heldWithOtherColumns } from './pack-messages.ts';
import { packingQuality, packShards } from './packing.ts';
import { parseValues } from './parse-values.ts';
import { fileOf, findReplaced, planReplacement } from './replaced-sources.ts';
import { reserveBuckets } from './reserve-buckets.ts';
import { surveyShards } from './survey-shards.ts';

/** A build to plan. */
export interface PackRequest {
  /** Shards, or their descriptions. */
  input: readonly string[];
  /** Name of each input in the plan and in messages; default: the one in its description, or its path. */
  name?: readonly string[] | undefined;
  /** Of each input, columns that have one value in all its rows: see `parseValues`. */
  values?: readonly string[] | undefined;
  /** Columns of the shards that have no description: see `parseKeep`. */
  keep?: string | undefined;
  /** The plan's path. */
  output: string;
  /** Maximum vector count of a bucket. */
  bucketSize: number;
  /** The database that the buckets will join, if it exists. */
  database: Database | undefined;
  /** Whether to refuse ids that the database already has. */
  checkIds: boolean;
  /** Whether to plan the deletion of the rows of earlier versions of the inputs. */
  replace: boolean;
}

/**
 * Plans which shards go into which bucket, and reserves the buckets' names in the database. Skips rows that the
 * database already has.
 * @throws DataError for unreadable shards, shards that do not fit the database, and duplicated ids
 */
export async function planBuckets(
  { input, name, values, output, bucketSize, database, checkIds, replace, ...request }: PackRequest,
  context: Pick<CommandContext, 'progress'>,
): Promise<{ plan: BucketPlan; shardCount: number; warnings: string[] }> {
  const keep = parseKeep(request.keep);
  const inputs = namedInputs(input, name, values && parseValues(values, input.length));
  const survey = await surveyShards(inputs, output, database, { checkIds, keep }, context);
  const { shards, dimension, model, missing, entries } = survey;
  const earlier = findReplaced(shards, entries);
  const replaced = replace ? planReplacement(shards, entries, earlier) : undefined;
  const packed = packShards(missing.flat(), bucketSize);
  const sources = packed.map((bucket) =>
    bucket.map(({ shard, start, end }): PlanSource => {
      const { path, rows, contentHash, vectorType, columns, columnBytes, rowHash } = shards[shard]!;
      const own = inputs[shard]!.values ?? {};
      return {
        ...{ shard, path, rows, start, end, contentHash, vectorType },
        ...(columns.length > 0 ? { columns: [...columns], columnBytes, rowHash } : {}),
        ...(Object.keys(own).length > 0 ? { values: own } : {}),
      };
    }),
  );
  const names = await reserveBuckets(database, survey, sources);
  const holders = holdersOf(entries);
  const isHeld = ({ rows }: DescribedShard, shard: number) => rows > 0 && missing[shard]!.length === 0;
  const held = shards.filter(isHeld);
  const ofBucket = ({ path, rowHash }: DescribedShard) => ({ path, bucket: holders.get(rowHash)?.bucket ?? '' });
  const changed = shards.filter((described, shard) => {
    const { rowHash, contentHash } = described;
    const holder = holders.get(rowHash);
    const isSame =
      holder?.source.contentHash === contentHash && sameValues(holder.source.values, inputs[shard]!.values);
    return isHeld(described, shard) && !isSame;
  });
  const plan: BucketPlan = {
    version: 1,
    dimension,
    ...(model === undefined ? {} : { model }),
    bucketSize,
    rows: sources.flat().reduce((sum, { start, end }) => sum + end - start, 0),
    ...(packed.length > 0 ? { quality: packingQuality(packed, bucketSize) } : {}),
    held: held.map(ofBucket),
    ...(replaced ? { replaced } : {}),
    buckets: sources.map((bucketSources, i) => ({
      bucket: names[i]!,
      rows: bucketSources.reduce((sum, { start, end }) => sum + end - start, 0),
      sources: bucketSources,
    })),
  };
  const bucketOf = new Map(earlier.map(({ bucket, source }) => [fileOf(source.path), bucket]));
  const added = shards.flatMap(({ path }, shard) => {
    const bucket = missing[shard]!.length > 0 ? bucketOf.get(fileOf(path)) : undefined;
    return bucket === undefined ? [] : [{ path, bucket }];
  });
  const warnings = [
    ...(added.length > 0 && !replace ? [changedFiles(added)] : []),
    ...(changed.length > 0 ? [heldWithOtherColumns(changed.map(ofBucket))] : []),
  ];
  return { plan, shardCount: shards.length, warnings };
}

/** Maps the row hash of a shard to the source with its rows, and that one's bucket: the last of several. */
function holdersOf(entries: readonly KnownBucket[]): Map<string, { source: PlanSource; bucket: string }> {
  return new Map(
    entries.flatMap(({ bucket, sources }) => sources.map((source) => [rowHashOf(source), { source, bucket }])),
  );
}

/** Returns whether two samplesheets have the same values of a file, in any order of their columns. */
function sameValues(one: PackInput['values'] = {}, other: PackInput['values'] = {}): boolean {
  const sorted = (values: NonNullable<PackInput['values']>) => JSON.stringify(Object.entries(values).sort());
  return sorted(one) === sorted(other);
}
