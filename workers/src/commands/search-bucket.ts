import { defineCommand } from '../app/command.ts';
import { checkBucketName } from '../database/catalog/bucket-name.ts';
import { checkRequest } from '../search/check-request.ts';
import { SEARCH_MODES } from '../search/plan/choose.ts';
import { searchAndWrite } from '../search/search-and-write.ts';

export const command = defineCommand({
  describe:
    'Finds the nearest neighbours of every query in one bucket. `ann` asks the index; `scan` compares each query with the ' +
    'vectors of its nearest partitions, `exact` with all; `auto` takes what is expected to be quickest.',
  options: {
    bucket: { type: 'string', demandOption: true, describe: 'The bucket to search' },
    database: { type: 'string', demandOption: true, describe: 'The database: a folder, or s3://bucket/prefix' },
    queries: { type: 'array', string: true, demandOption: true, describe: 'Query sets (HDF5 shards)' },
    k: { type: 'number', default: 10, describe: 'Neighbours a query' },
    search: { choices: SEARCH_MODES, default: 'auto' as const, describe: 'How to search' },
    nprobes: { type: 'number', describe: 'Partitions to look into; default: 5%, at least 20' },
    'refine-factor': {
      type: 'number',
      describe:
        'ann: candidates a neighbour whose distance is computed anew; default: 10; 0: none, distances of the codes',
    },
    'target-recall': {
      type: 'number',
      describe: 'Choose nprobes for this recall (0.95), measured on a sample of the queries',
    },
    'exclude-self': { type: 'boolean', default: false, describe: "Leave out the hit that has the query's own id" },
    'max-distance': { type: 'number', describe: 'Only hits at most this far; still at most k' },
    memory: { type: 'string', default: '2GB', describe: 'Memory to use; more queries than fit are searched in blocks' },
    'block-queries': {
      type: 'number',
      describe: 'Queries of a block, if fewer than fit the memory; default: at most 65,536',
    },
    range: { type: 'string', describe: 'Only the queries at these positions, first:end, in the order of their ids' },
    checkpoints: {
      type: 'string',
      describe: 'Folder for finished blocks, with which a killed search goes on [default: that of --output]',
    },
    truth: {
      type: 'string',
      describe:
        'Also write the true hits of sampled queries here; with those of all buckets, merge-hits tells the recall',
    },
    work: {
      type: 'string',
      describe:
        'Folder (NVMe) for buckets fetched from S3, kept while there is space, for all tasks of this node; default: $LANCEFLOW_WORK, or not kept',
    },
    stream: { type: 'boolean', default: false, describe: 'Read a bucket on S3 where it is; nothing is stored' },
    output: { type: 'string', demandOption: true, describe: 'The hits (Parquet)' },
  },
  examples: [
    [
      'search-bucket --bucket bucket_00001 --database /data/proteins --queries q.h5 --k 10 --output hits.parquet',
      'Search',
    ],
    ['search-bucket ... --search ann --nprobes 50 --refine-factor 20', 'Look into more of the index, for more recall'],
  ],

  async run(args, context) {
    checkBucketName(args.bucket);
    return searchAndWrite(args, await checkRequest(args), context);
  },

  summary: ({ bucket, rows, queries, mode }) =>
    `search-bucket: ${bucket}: ${rows} hits for ${queries} queries (${mode})`,
});
