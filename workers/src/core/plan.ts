import { DataError } from '../errors.ts';
import { checkBucketName } from './bucket-name.ts';
import { isCount, isRecord, isSource, type JsonRecord, parseJson } from './json-check.ts';
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
  const names = new Set<string>();
  for (const bucket of plan.buckets) {
    if (!isRecord(bucket) || typeof bucket.bucket !== 'string') throw fail('a bucket has no name');
    const name = checkBucketName(bucket.bucket, (message) => fail(message));
    if (names.has(name)) throw fail(`${name} is there twice`);
    names.add(name);
    checkSources(bucket, name, fail);
  }
  return plan as unknown as BucketPlan;
}

function checkSources({ rows, sources }: JsonRecord, name: string, fail: (what: string) => Error): void {
  if (!Array.isArray(sources) || sources.length === 0) throw fail(`${name} has no sources`);
  let sum = 0;
  for (const source of sources) {
    if (!isSource(source)) throw fail(`a source of ${name} needs "path", "contentHash", and "start" before "end"`);
    sum += source.end - source.start;
  }
  if (rows !== sum) throw fail(`"rows" of ${name} is not what its sources add up to (${sum})`);
}

/** The entry of one bucket. @throws DataError listing the buckets there are */
export function findBucket(plan: BucketPlan, name: string, path: string): PlanBucket {
  const bucket = plan.buckets.find((entry) => entry.bucket === name);
  if (bucket) return bucket;
  const names = plan.buckets.map((entry) => entry.bucket);
  const known = names.length > 10 ? `${names.slice(0, 10).join(', ')}, ...` : names.join(', ') || 'none';
  throw new DataError(`${path}: no bucket ${JSON.stringify(name)} in this plan; it has: ${known}.`);
}
