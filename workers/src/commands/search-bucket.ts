import { realpath } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { defineCommand } from '../app/command.ts';
import { requireWhole } from '../app/option-checks.ts';
import { UsageError } from '../base/errors.ts';
import { writeAtomically } from '../base/files/write-atomically.ts';
import { ifMissing } from '../base/if-missing.ts';
import { parseByteSize } from '../base/text/byte-size.ts';
import { withPartitionsThatAreThere } from '../bucket/open-bucket.ts';
import { findMisplacedRows } from '../bucket/partition-check.ts';
import { checkBucketName } from '../database/catalog/bucket-name.ts';
import type { CatalogEntry } from '../database/catalog/catalog-entry.ts';
import { Database } from '../database/database.ts';
import { currentEntry } from '../database/table-state.ts';
import { SEARCH_MODES, type Way } from '../search/plan/choose.ts';
import { withTable } from '../search/plan/with-table.ts';
import { countQueries } from '../search/queries/queries.ts';
import { searchBucket } from '../search/run-search.ts';

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
    const bucket = checkBucketName(args.bucket);
    const { k, search, nprobes, refineFactor, targetRecall, excludeSelf, blockQueries, output, truth } = args;
    const maxDistance = args.maxDistance ?? Number.POSITIVE_INFINITY;
    const memoryBytes = parseByteSize(args.memory);
    requireWhole('k', k);
    if (nprobes !== undefined) requireWhole('nprobes', nprobes);
    if (refineFactor !== undefined) requireWhole('refine-factor', refineFactor, 0);
    if (blockQueries !== undefined) requireWhole('block-queries', blockQueries);
    if (truth !== undefined && resolve(truth) === resolve(output))
      throw new UsageError('--output and --truth name the same file. Give each its own.');
    await requireOthers(args.queries, { output, truth });
    if (targetRecall !== undefined && !(targetRecall > 0 && targetRecall <= 1))
      throw new UsageError(`--target-recall must be above 0 and at most 1, not ${targetRecall}.`);
    if (Number.isNaN(maxDistance)) throw new UsageError('--max-distance must be a number.');
    if (memoryBytes === undefined) throw new UsageError(`--memory ${args.memory}: write it like 2GB or 512MiB.`);
    if (args.queries.length === 0) throw new UsageError('--queries needs at least one shard.');
    const database = await Database.open(args.database);
    const current = await currentEntry(database, await database.requireEntry(bucket), context.log);
    const entry = await withPartitionsThatAreThere(database, current.entry, context.log);
    // What another client made of its files is not fetched: the catalog has no checksums of it.
    const stream = args.stream || current.isCompacted;
    const work = args.work ?? database.tables.work;
    const order = {
      ...{ k, search, nprobes, refineFactor, targetRecall, excludeSelf, maxDistance, memoryBytes, blockQueries },
      range: args.range === undefined ? undefined : parseRange(args.range),
      checkpoints: args.checkpoints ?? dirname(resolve(output)),
    };
    // Before a bucket is fetched for them.
    const queryCount = database.tables.bring ? await countQueries(args.queries, entry, order.range) : 0;
    const needs = { ...order, truth: truth !== undefined, queryCount };
    const find = (hits: string, truth?: string) =>
      withTable(database, entry, needs, { work, stream }, context, (near, present, among) =>
        searchBucket(near, present, args.queries, { ...order, among }, { hits, truth }, context),
      );
    const { hits, plan, warnings, ...outcome } = await writeAtomically(output, (temporary) =>
      truth === undefined ? find(temporary) : writeAtomically(truth, (other) => find(temporary, other)),
    );
    const { way, ...chosen } = plan;
    const misplaced = usesPartitions(entry, way) ? await findMisplacedRows(database, entry) : undefined;
    if (misplaced !== undefined) {
      context.log(`${misplaced}.`);
      warnings.push(misplaced);
    }
    return { rows: hits, bucket, k, mode: way, ...chosen, ...outcome, warnings };
  },

  summary: ({ bucket, rows, queries, mode }) =>
    `search-bucket: ${bucket}: ${rows} hits for ${queries} queries (${mode})`,
});

/** Whether the partitions of the table's order decide which rows are looked at. */
function usesPartitions({ index }: CatalogEntry, way: Way): boolean {
  return way === 'scan' || (way === 'ann' && index.centroids === 'order');
}

/** A query set must not be replaced by what was found for it, by whatever name it is given. */
async function requireOthers(queries: readonly string[], outputs: { output: string; truth: string | undefined }) {
  const real = (path: string) => realpath(path).catch(ifMissing(resolve(path)));
  const known = new Set(await Promise.all(queries.map(real)));
  for (const [name, path] of Object.entries(outputs))
    if (path !== undefined && known.has(await real(path)))
      throw new UsageError(`--${name} names a file of --queries: ${path}. Give it another name.`);
}

function parseRange(text: string): { first: number; end: number } {
  const [, first, end] = /^(\d{1,12}):(\d{1,12})$/.exec(text) ?? [];
  if (first === undefined || Number(first) >= Number(end))
    throw new UsageError(`--range ${text}: write it like 0:1000, first position and the one after the last.`);
  return { first: Number(first), end: Number(end) };
}
