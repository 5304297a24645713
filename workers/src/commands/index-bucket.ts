import { availableParallelism } from 'node:os';
import { defineCommand } from '../app/command.ts';
import { requireWhole } from '../app/option-checks.ts';
import { buildWorkOption, databaseOption } from '../app/shared-options.ts';
import { writeTextAtomically } from '../base/files/write-atomically.ts';
import { counted } from '../base/text/counted.ts';
import { sealedText } from '../base/text/document.ts';
import { withBucketLock } from '../database/bucket-lock.ts';
import { checkBucketName } from '../database/catalog/bucket-name.ts';
import { Database } from '../database/database.ts';
import { withdrawUnlessOnce } from '../database/rows-once.ts';
import { indexBucket } from '../index/build-index.ts';
import { DEFAULT_INDEX, INDEX_KINDS } from '../index/index-plan.ts';

export const command = defineCommand({
  describe:
    'Indexes the table of an ingested bucket and writes its catalog entry, which makes the bucket part of the database. ' +
    'An index of the same table and kind is kept.',
  options: {
    bucket: { type: 'string', demandOption: true, describe: 'Bucket that ingest-bucket has ingested' },
    database: databaseOption,
    index: {
      choices: INDEX_KINDS,
      default: DEFAULT_INDEX,
      describe: 'ivf-rq (RaBitQ codes) or ivf-pq (product quantization), which LanceDB clients before 0.30 need',
    },
    work: buildWorkOption,
    threads: { type: 'number', describe: 'Threads that encode rows, fewer in small tables. Default: one per core' },
    output: { type: 'string', describe: 'Also write the catalog entry to this file (JSON)' },
  },
  examples: [['index-bucket --bucket bucket_00001 --database /data/proteins', 'Index with the default parameters']],

  async run(args, context) {
    const bucket = checkBucketName(args.bucket);
    const threads = args.threads ?? availableParallelism();
    requireWhole('threads', threads);
    const database = await Database.open(args.database, args.work);
    await database.requireExists();
    const { entry, done } = await withBucketLock(database, bucket, async (lost) => {
      const isNew = (await database.entry(bucket)) === undefined;
      const indexed = await indexBucket(database, bucket, { kind: args.index, threads }, lost, context);
      if (isNew) await withdrawUnlessOnce(database, indexed.entry);
      return indexed;
    });
    if (args.output !== undefined) {
      const text = sealedText(entry);
      await writeTextAtomically(args.output, text);
    }
    const { rows, bytes, dimension, vectorType, index } = entry;
    return { rows, bytes, bucket, dimension, vectorType, index, alreadyDone: done };
  },

  summary: ({ bucket, rows, index, alreadyDone }) => {
    const { kind, partitions } = index;
    return `index-bucket: ${bucket}: ${counted(rows, 'vector')}, ${kind} with ${counted(partitions, 'partition')}${alreadyDone ? ' (existed already)' : ''}`;
  },
});
