import type { CommandContext } from '../app/command.ts';
import { writeAtomically } from '../base/files/write-atomically.ts';
import { withPartitionsThatAreThere } from '../bucket/open-bucket.ts';
import { findMisplacedRows } from '../bucket/partition-check.ts';
import type { CatalogEntry } from '../database/catalog/catalog-entry.ts';
import { Database } from '../database/database.ts';
import { currentEntry } from '../database/table-state.ts';
import type { Way } from './plan/choose.ts';
import { withTable } from './plan/with-table.ts';
import { countQueries } from './queries/queries.ts';
import { type SearchOrder, searchBucket } from './run-search.ts';

/** Where a search looks, and what it writes. */
export interface SearchPlaces {
  bucket: string;
  database: string;
  queries: readonly string[];
  /** Folder for what is fetched of a bucket on S3; as the database has it where not given. */
  work?: string | undefined;
  /** Reads a bucket on S3 where it is. */
  stream: boolean;
  output: string;
  /** Where the true hits of sampled queries go, if they are wanted. */
  truth?: string | undefined;
}

/** Searches one bucket, wherever it is, and writes its hits; they appear whole or not at all. */
export async function searchAndWrite(args: SearchPlaces, order: SearchOrder, context: CommandContext) {
  const { output, truth } = args;
  const database = await Database.open(args.database, args.work);
  const current = await currentEntry(database, await database.requireEntry(args.bucket), context.log);
  const entry = await withPartitionsThatAreThere(database, current.entry, context.log);
  // What another client made of its files is not fetched: the catalog has no checksums of it.
  const stream = args.stream || current.isCompacted;
  const queryCount = () => countQueries(args.queries, entry, order.range);
  const needs = { ...order, truth: truth !== undefined, queryCount };
  const find = (hits: string, trueHits?: string) =>
    withTable(database, entry, needs, stream, context, (near, present, among) =>
      searchBucket(near, present, args.queries, { ...order, among }, { hits, truth: trueHits }, context),
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
  return { rows: hits, bucket: args.bucket, k: order.k, mode: way, ...chosen, ...outcome, warnings };
}

/** Whether the partitions of the table's order decide which rows are looked at. */
function usesPartitions({ index }: CatalogEntry, way: Way): boolean {
  return way === 'scan' || (way === 'ann' && index.centroids === 'order');
}
