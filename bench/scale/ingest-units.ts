/** Ingests a bucket into a number of partitions. ingest-units.ts PLAN DATABASE BUCKET PARTITIONS (0: as for its size) */
import { readFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { withBucketLock } from '../../workers/src/database/bucket-lock.ts';
import { findBucket, parsePlan } from '../../workers/src/database/catalog/bucket-plan.ts';
import { Database } from '../../workers/src/database/database.ts';
import { ingestBucket } from '../../workers/src/ingest/build-table.ts';

const [path, uri, name, partitions] = process.argv.slice(2) as [string, string, string, string];
const plan = parsePlan(await readFile(path, 'utf8'), path);
const database = await Database.open(uri);
await database.create();
const { record } = await withBucketLock(database, name, (lost) =>
  ingestBucket(
    database,
    findBucket(plan, name, path),
    {
      ...{ dimension: plan.dimension, metric: 'cosine', vectorType: 'float32', order: 'partition' },
      threads: availableParallelism(),
      ...(Number(partitions) > 0 && { partitionCount: Number(partitions) }),
    },
    lost,
    { progress: () => ({ add: () => {}, stop: () => {} }), log: () => {}, warn: () => {} },
  ),
);
process.stdout.write(`${JSON.stringify({ fragments: record.table!.fragments!.length })}\n`);
process.exit(0);
