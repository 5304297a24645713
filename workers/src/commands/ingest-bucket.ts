import { readFile } from 'node:fs/promises';
import { defineCommand } from '../app/command.ts';
import { buildWorkOption, databaseOption } from '../app/shared-options.ts';
import { UsageError } from '../base/errors.ts';
import { writeTextAtomically } from '../base/files/write-atomically.ts';
import { sealedText } from '../base/text/document.ts';
import { withBucketLock } from '../database/bucket-lock.ts';
import { checkBucketName } from '../database/catalog/bucket-name.ts';
import { findBucket, type PlanBucket, parsePlan } from '../database/catalog/plan.ts';
import { Database } from '../database/database.ts';
import { ingestBucket, ROW_ORDERS } from '../ingest/build-table.ts';
import { METRICS } from '../vectors/metric.ts';
import { VECTOR_TYPES } from '../vectors/vector-type.ts';

export const command = defineCommand({
  describe:
    'Writes the vectors of one bucket into a LanceDB table. The bucket becomes part of the database when index-bucket ' +
    'has indexed it. A table that was built from the same rows with the same options is kept.',
  options: {
    plan: { type: 'string', demandOption: true, describe: 'Bucket plan of pack-buckets (JSON)' },
    bucket: { type: 'string', demandOption: true, describe: 'Bucket of the plan' },
    database: databaseOption,
    shards: {
      type: 'array',
      string: true,
      describe: "Paths of the bucket's shards, in the plan's order, if they have moved since pack-buckets",
    },
    metric: { choices: METRICS, default: 'cosine' as const, describe: 'Distance by which the table is searched' },
    'vector-type': {
      choices: VECTOR_TYPES,
      default: 'float32' as const,
      describe: 'Type of the stored vectors: float16 halves the table',
    },
    order: {
      choices: ROW_ORDERS,
      default: 'partition' as const,
      describe: 'Order of the rows: sorted by k-means partition, which the scan strategy needs, or as in the shards',
    },
    work: buildWorkOption,
    output: { type: 'string', describe: 'Also write the ingest record to this file (JSON)' },
  },
  examples: [
    ['ingest-bucket --plan plan.json --bucket bucket_00001 --database /data/proteins', 'Build the first table'],
  ],

  async run(args, context) {
    checkBucketName(args.bucket);
    const database = await Database.open(args.database, args.work);
    const plan = parsePlan(await readFile(args.plan, 'utf8'), args.plan);
    const bucket = withShards(findBucket(plan, args.bucket, args.plan), args.shards);
    const { metric, vectorType, order } = args;
    await database.create();
    const { record, done, warnings } = await withBucketLock(database, bucket.bucket, (lost) =>
      ingestBucket(database, bucket, { dimension: plan.dimension, metric, vectorType, order }, lost, context),
    );
    if (args.output !== undefined) {
      const text = sealedText(record);
      await writeTextAtomically(args.output, text);
    }
    const { rows, dataBytes: bytes } = record.table!;
    return { rows, bytes, bucket: bucket.bucket, alreadyDone: done, warnings };
  },

  summary: ({ bucket, rows, bytes, alreadyDone }) =>
    alreadyDone
      ? `ingest-bucket: ${bucket} is ingested already (${rows} vectors)`
      : `ingest-bucket: ${bucket}: ${rows} vectors, ${(bytes / 1e6).toFixed(1)} MB`,
});

/** Replaces the paths of a bucket's shards, which Nextflow stages under other names. */
function withShards(bucket: PlanBucket, shards: readonly string[] | undefined): PlanBucket {
  if (shards === undefined) return bucket;
  if (shards.length !== bucket.sources.length)
    throw new UsageError(
      `--shards names ${shards.length} files, but ${bucket.bucket} has ${bucket.sources.length} sources.`,
    );
  return { ...bucket, sources: bucket.sources.map((source, i) => ({ ...source, path: shards[i]! })) };
}
