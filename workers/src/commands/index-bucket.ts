import { defineCommand } from '../app/command.ts';
import { writeTextAtomically } from '../base/files/write-atomically.ts';
import { sealedText } from '../base/text/document.ts';
import { withBucketLock } from '../database/bucket-lock.ts';
import { checkBucketName } from '../database/catalog/bucket-name.ts';
import { Database } from '../database/database.ts';
import { withdrawUnlessOnce } from '../database/rows-once.ts';
import { indexBucket } from '../index/build-index.ts';
import { DEFAULT_INDEX, INDEX_KINDS } from '../index/index-plan.ts';

export const command = defineCommand({
  describe:
    'Indexes the table of an ingested bucket and writes its catalog entry, which makes it part of the database. ' +
    'A bucket that has this index already is left as it is.',
  options: {
    bucket: { type: 'string', demandOption: true, describe: 'The bucket, ingested by ingest-bucket' },
    database: { type: 'string', demandOption: true, describe: 'The database: a folder, or s3://bucket/prefix' },
    index: {
      choices: INDEX_KINDS,
      default: DEFAULT_INDEX,
      describe: 'Product or RaBit quantization; ivf-pq for LanceDB clients before 0.30',
    },
    work: {
      type: 'string',
      describe:
        'Fast scratch folder (NVMe); default: inside the database; of one on S3: $LANCEFLOW_WORK, or the current folder',
    },
    output: { type: 'string', describe: 'Also write the catalog entry to this file (JSON)' },
  },
  examples: [['index-bucket --bucket bucket_00001 --database /data/proteins', 'Index with the default parameters']],

  async run(args, { log }) {
    const bucket = checkBucketName(args.bucket);
    const database = await Database.open(args.database, args.work);
    await database.requireThere();
    const { entry, done } = await withBucketLock(database, bucket, async (lost) => {
      const isNew = (await database.entry(bucket)) === undefined;
      const indexed = await indexBucket(database, bucket, args.index, lost, log);
      if (isNew) await withdrawUnlessOnce(database, indexed.entry);
      return indexed;
    });
    if (args.output !== undefined) {
      const text = sealedText(entry);
      await writeTextAtomically(args.output, text);
    }
    return { rows: entry.rows, bytes: entry.bytes, bucket, index: entry.index, alreadyDone: done };
  },

  summary: ({ bucket, rows, index, alreadyDone }) => {
    const { kind, partitions } = index;
    return `index-bucket: ${bucket}: ${rows} vectors, ${kind} with ${partitions} partitions${alreadyDone ? ' (was there already)' : ''}`;
  },
});
