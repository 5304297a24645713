import * as z from 'zod/mini';
import { DataError, UsageError } from '../../base/errors.ts';
import { counted } from '../../base/text/counted.ts';
import {
  AMOUNT,
  COUNT,
  checkDocument,
  choice,
  parseVersion1,
  SIZE,
  TEXT,
  textWhere,
} from '../../base/text/document.ts';
import { COLUMNS_OF_SHARD, CONTENT_HASH } from '../../shard/description.ts';
import { VECTOR_TYPES } from '../../vectors/vector-type.ts';
import { bucketNotInPlan, notAPlan } from '../database-messages.ts';
import { isBucketName } from './bucket-name.ts';

/** Rows [start, end) of one shard. */
export type PlanSource = z.infer<typeof PLAN_SOURCE>;
export const PLAN_SOURCE = z
  .object({
    /** Position of the shard in the list of packed inputs. */
    shard: COUNT,
    path: TEXT,
    /** Rows of the whole shard. */
    rows: SIZE,
    start: COUNT,
    end: SIZE,
    contentHash: CONTENT_HASH,
    vectorType: choice(VECTOR_TYPES),
    /** Kept columns of the shard. */
    ...COLUMNS_OF_SHARD,
    /** Values that all its rows have in further columns. */
    values: z.optional(z.record(z.string(), z.string('a text'))),
  })
  .check(
    z.refine(({ start, end }) => start < end, { path: ['end'], error: 'after "start"' }),
    z.refine(({ end, rows }) => end <= rows, { path: ['end'], error: 'at most "rows"' }),
  );

/** Returns the hash of a source's vectors and ids, whatever columns are kept. */
export function rowHashOf({ rowHash, contentHash }: Pick<PlanSource, 'rowHash' | 'contentHash'>): string {
  return rowHash ?? contentHash;
}

export type PlanBucket = z.infer<typeof PLAN_BUCKET>;
const PLAN_BUCKET = z.object({
  bucket: textWhere(isBucketName, "a bucket's name: letters, digits, _, - and inner dots, at most 100"),
  rows: SIZE,
  sources: z.array(PLAN_SOURCE).check(z.minLength(1, 'a list of at least one source')),
});

/** Earlier versions of inputs, whose rows `delete-replaced` deletes once the database has those of the plan. */
export type ReplacedSources = z.infer<typeof REPLACED_SOURCES>;
const REPLACED_SOURCES = z.object({
  sources: z
    .array(z.object({ path: TEXT, rowHash: CONTENT_HASH }))
    .check(z.minLength(1, 'a list of at least one source')),
  /** The inputs that replace them. */
  versions: z
    .array(z.object({ path: TEXT, rowHash: CONTENT_HASH, rows: SIZE }))
    .check(z.minLength(1, 'a list of at least one input')),
  /** Positions in the list of packed inputs of those whose rows are in the same buckets. */
  kept: z.array(COUNT),
});

/** The bucket plan, which PACK_BUCKETS writes and INGEST_BUCKET reads. Format: docs/formats.md. */
export type BucketPlan = z.infer<typeof BUCKET_PLAN>;
const BUCKET_PLAN = z.object({
  version: z.literal(1),
  dimension: SIZE,
  /** The model of all shards; absent if they name none. */
  model: z.optional(TEXT),
  bucketSize: SIZE,
  rows: COUNT,
  /** See `PackingQuality`. */
  quality: z.optional(
    z.object({
      bucketCount: SIZE,
      lowerBound: SIZE,
      fill: z.object({ min: AMOUNT, mean: AMOUNT, max: AMOUNT }),
      spreadRows: COUNT,
    }),
  ),
  /** Inputs whose contents the database already has. */
  held: z.array(z.object({ path: TEXT, bucket: z.string() })),
  /** Only with --replace. */
  replaced: z.optional(REPLACED_SOURCES),
  buckets: z.array(PLAN_BUCKET),
});

/** Parses a bucket plan and checks that its row counts agree. @throws DataError that names the file and the wrong field */
export function parsePlan(text: string, path: string): BucketPlan {
  const fail = (problem: string) => new DataError(notAPlan(path, problem));
  const plan = checkDocument(BUCKET_PLAN, parseVersion1(text, path, 'bucket plan', fail), fail);
  const names = new Set<string>();
  for (const { bucket, rows, sources } of plan.buckets) {
    if (names.has(bucket)) throw fail(`${bucket} occurs twice`);
    names.add(bucket);
    const sum = sources.reduce((total, { start, end }) => total + end - start, 0);
    if (rows !== sum) throw fail(`"rows" of ${bucket} is ${rows}, but its sources add up to ${sum}`);
    if (rows > plan.bucketSize)
      throw fail(`${bucket} has ${counted(rows, 'row')}, more than "bucketSize" ${plan.bucketSize}`);
  }
  const sum = plan.buckets.reduce((total, { rows }) => total + rows, 0);
  if (plan.rows !== sum) throw fail(`"rows" is ${plan.rows}, but its buckets add up to ${sum}`);
  return plan;
}

/** Finds one bucket of a plan. @throws DataError that lists the plan's buckets, if this one is not among them */
export function findBucket(plan: BucketPlan, name: string, path: string): PlanBucket {
  const bucket = plan.buckets.find((entry) => entry.bucket === name);
  if (bucket) return bucket;
  const names = plan.buckets.map((entry) => entry.bucket);
  throw new DataError(bucketNotInPlan(path, name, names));
}

/**
 * Replaces the paths of a bucket's shards, which Nextflow stages under other names.
 * @param shards one for each source; undefined if they are where they were planned
 * @throws UsageError if there are more or fewer
 */
export function withShards(bucket: PlanBucket, shards: readonly string[] | undefined): PlanBucket {
  if (shards === undefined) return bucket;
  if (shards.length !== bucket.sources.length)
    throw new UsageError(
      `--shards names ${counted(shards.length, 'file')}, but ${bucket.bucket} has ${counted(bucket.sources.length, 'source')}.`,
    );
  return { ...bucket, sources: bucket.sources.map((source, i) => ({ ...source, path: shards[i]! })) };
}
