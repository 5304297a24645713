import { DataError } from '../errors.ts';
import { checkBucketName } from './bucket-name.ts';
import type { PackingQuality } from './packing.ts';
import type { VectorType } from './shard.ts';

/** Rows [start, end) of one shard. */
export interface PlanSource {
  /** Position of the shard in the list of inputs that was packed. */
  shard: number;
  path: string;
  /** Rows of the whole shard. */
  rows: number;
  start: number;
  end: number;
  /** See `ContentHash`. */
  contentHash: string;
  vectorType: VectorType;
}

export interface PlanBucket {
  bucket: string;
  rows: number;
  sources: PlanSource[];
}

/** What PACK_BUCKETS writes and INGEST_BUCKET reads. Format: docs/formats.md. */
export interface BucketPlan {
  version: 1;
  dimension: number;
  /** The model of all shards, where they name one. */
  model?: string;
  bucketSize: number;
  rows: number;
  quality?: PackingQuality;
  /** Inputs that the database holds already, by content. */
  held: Array<{ path: string; bucket: string }>;
  buckets: PlanBucket[];
}

/** Parses a plan and checks what the commands rely on. @throws DataError naming the file */
export function parsePlan(text: string, path: string): BucketPlan {
  const fail = (what: string) =>
    new DataError(`${path}: not a bucket plan: ${what}. Make it with lanceflow pack-buckets.`);
  const plan = parseJson(text);
  if (!isRecord(plan)) throw fail('not a JSON object');
  if (plan.version !== 1) throw fail('"version" must be 1');
  if (!isCount(plan.dimension) || plan.dimension === 0) throw fail('"dimension" must be a positive number');
  if (!Array.isArray(plan.buckets)) throw fail('"buckets" must be a list');
  for (const bucket of plan.buckets) {
    if (!isRecord(bucket) || typeof bucket.bucket !== 'string') throw fail('a bucket has no name');
    checkBucketName(bucket.bucket, (message) => fail(message));
    if (!Array.isArray(bucket.sources) || bucket.sources.length === 0) throw fail(`${bucket.bucket} has no sources`);
    for (const source of bucket.sources) {
      const known = isRecord(source) && typeof source.path === 'string' && typeof source.contentHash === 'string';
      if (!known || !isCount(source.start) || !isCount(source.end) || source.end <= source.start)
        throw fail(`a source of ${bucket.bucket} needs "path", "contentHash", and "start" before "end"`);
    }
  }
  return plan as unknown as BucketPlan;
}

/** The entry of one bucket. @throws DataError listing the buckets there are */
export function findBucket(plan: BucketPlan, name: string, path: string): PlanBucket {
  const bucket = plan.buckets.find((entry) => entry.bucket === name);
  if (bucket) return bucket;
  const names = plan.buckets.map((entry) => entry.bucket);
  const known = names.length > 10 ? `${names.slice(0, 10).join(', ')}, ...` : names.join(', ') || 'none';
  throw new DataError(`${path}: no bucket ${JSON.stringify(name)} in this plan; it has: ${known}.`);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0;
}
