import { defineCommand } from '../app/command.ts';
import { databaseOption, queriesOption, whereOption } from '../app/shared-options.ts';
import { counted } from '../base/text/counted.ts';
import { checkBucketName } from '../database/catalog/bucket-name.ts';
import { checkRequest } from '../search/check-request.ts';
import { SEARCH_MODES } from '../search/plan/strategies.ts';
import { searchAndWrite } from '../search/search-and-write.ts';

export const command = defineCommand({
  describe:
    'Finds the nearest neighbours of every query in one bucket, by one of three strategies: `ann` searches the index, `scan` compares ' +
    'each query with all vectors of its nearest partitions, `exact` with all vectors of the bucket. `auto` chooses by ' +
    'estimated times: exact where it is within 1.5 times or 10 s of the quickest.',
  options: {
    bucket: { type: 'string', demandOption: true, describe: 'Bucket to search' },
    database: databaseOption,
    queries: queriesOption,
    k: { type: 'number', default: 10, describe: 'Neighbours per query' },
    search: { choices: SEARCH_MODES, default: 'auto' as const, describe: 'Search strategy' },
    nprobes: { type: 'number', describe: 'Partitions to probe per query. Default: 5% of them, at least 20' },
    'refine-factor': {
      type: 'number',
      describe:
        'ann: candidates per neighbour that are rescored with their true distance. Default: 10. 0 reports the distances of the codes',
    },
    'target-recall': {
      type: 'number',
      describe: 'Choose --nprobes for this recall@k, such as 0.95, measured on a sample of the queries',
    },
    'exclude-self': { type: 'boolean', default: false, describe: "Omit the hit that has the query's own id" },
    'max-distance': { type: 'number', describe: 'Omit hits that are farther than this' },
    where: whereOption,
    memory: {
      type: 'string',
      default: '2GB',
      describe: 'Memory to use, such as 500MB or 8GB. More queries than fit are searched in several blocks',
    },
    'block-queries': {
      type: 'number',
      describe:
        'Queries per block, which share one pass over the vectors, if fewer than fit the memory. Default: 65,536, or as many as let ' +
        'reading the bucket take a quarter of the computing',
    },
    range: { type: 'string', describe: 'Search only queries first:end, such as 0:1000, in the order of their ids' },
    checkpoints: {
      type: 'string',
      describe: 'Folder for finished blocks, from which a killed search continues. Default: that of --output',
    },
    truth: {
      type: 'string',
      describe:
        'Also write the ground truth of the evaluation sample to this file (Parquet). merge-hits computes recall@k from those of all buckets',
    },
    'truth-share': { type: 'number', describe: 'Write --truth only where it costs less than this share of the search' },
    work: {
      type: 'string',
      describe:
        'Folder (NVMe) for buckets fetched from S3, kept for all tasks of this node while the disk has space. Default: $LANCEFLOW_WORK; ' +
        'without either, a bucket is removed after the search',
    },
    stream: {
      type: 'boolean',
      default: false,
      describe: 'Read a bucket on S3 in place, and store nothing on this machine',
    },
    output: { type: 'string', demandOption: true, describe: 'Hits to write (Parquet)' },
  },
  examples: [
    ['search-bucket --bucket bucket_00001 --database db --queries q.h5 --output hits.parquet', 'Search one bucket'],
    ['search-bucket --bucket b --database db --queries q.h5 --target-recall 0.95 --output h.parquet', 'Name a recall'],
  ],

  async run(args, context) {
    checkBucketName(args.bucket);
    return searchAndWrite(args, await checkRequest(args), context);
  },

  summary: ({ bucket, rows, queries, mode }) =>
    `search-bucket: ${bucket}: ${counted(rows, 'hit')} for ${counted(queries, 'query')} (${mode})`,
});
