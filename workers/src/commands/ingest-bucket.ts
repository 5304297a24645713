import { readFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { defineCommand } from '../app/command.ts';
import { requireWhole } from '../app/option-checks.ts';
import { buildWorkOption, databaseOption } from '../app/shared-options.ts';
import { writeTextAtomically } from '../base/files/write-atomically.ts';
import { counted } from '../base/text/counted.ts';
import { sealedText } from '../base/text/document.ts';
import { withBucketLock } from '../database/bucket-lock.ts';
import { checkBucketName } from '../database/catalog/bucket-name.ts';
import { findBucket, parsePlan } from '../database/catalog/bucket-plan.ts';
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
    threads: { type: 'number', describe: 'Threads that read, sort and write. Default: one per core' },
    output: { type: 'string', describe: 'Also write the ingest record to this file (JSON)' },
  },
  examples: [
    ['ingest-bucket --plan plan.json --bucket bucket_00001 --database /data/proteins', 'Build the first table'],
  ],

  async run(args, context) {
    checkBucketName(args.bucket);
    const threads = args.threads ?? availableParallelism();
    requireWhole('threads', threads);
    const database = await Database.open(args.database, args.work);
    const plan = parsePlan(await readFile(args.plan, 'utf8'), args.plan);
    const bucket = findBucket(plan, args.bucket, args.plan);
    const { metric, vectorType, order, shards } = args;
    const options = { dimension: plan.dimension, metric, vectorType, order, threads, shards };
    await database.create();
    const { record, done, warnings } = await withBucketLock(database, bucket.bucket, (lost) =>
      ingestBucket(database, bucket, options, lost, context),
    );
    if (args.output !== undefined) await writeTextAtomically(args.output, sealedText(record));
    const { rows, dataBytes: bytes } = record.table!;
    const { dimension } = plan;
    return { rows, bytes, bucket: bucket.bucket, dimension, vectorType, alreadyDone: done, warnings };
  },

  summary: ({ bucket, rows, bytes, alreadyDone }) =>
    alreadyDone
      ? `ingest-bucket: ${bucket} is ingested already (${counted(rows, 'vector')})`
      : `ingest-bucket: ${bucket}: ${counted(rows, 'vector')}, ${(bytes / 1e6).toFixed(1)} MB`,
});
