import type { CommandContext } from '../app/command.ts';
import { DataError, UserError } from '../base/errors.ts';
import { writeAllAtomically, writeAtomically } from '../base/files/write-atomically.ts';
import { writeOptionally } from '../base/files/write-optionally.ts';
import { findMisplacedRows } from '../bucket/partition-check.ts';
import type { CatalogEntry } from '../database/catalog/catalog-entry.ts';
import { Database } from '../database/database.ts';
import { explainedByChange } from '../database/table-state.ts';
import type { SearchStrategy } from './plan/strategies.ts';
import { type SearchOutcome, searchBucket } from './run-search.ts';
import type { SearchRequest } from './search-request.ts';
import { openSearchTable } from './search-table.ts';
import { searchableEntry } from './searchable-entry.ts';

/** Where a search reads and writes. */
export interface SearchPlaces {
  bucket: string;
  database: string;
  queries: readonly string[];
  /** Folder for the files fetched from a bucket on S3; default: that of the database. */
  work?: string | undefined;
  /** Reads a bucket on S3 in place. */
  stream: boolean;
  output: string;
  /** Output for the ground truth of the evaluation sample. */
  truth?: string | undefined;
  /** Share of the search's time that the ground truth may cost, or it is not written; default: whatever it costs. */
  truthShare?: number | undefined;
}

/** Searches one bucket, in a folder or on S3, and writes its hits; the outputs appear whole or not at all. */
export async function searchAndWrite(places: SearchPlaces, request: SearchRequest, context: CommandContext) {
  const database = await Database.open(places.database, places.work);
  const { entry, isCompacted } = await searchableEntry(
    database,
    await database.requireEntry(places.bucket),
    context.log,
  );
  // The catalog has no checksums of files that another client compacted, so they are not fetched.
  const source = { ...places, stream: places.stream || isCompacted };
  const { truthShare } = places;
  const outcome = await writeOutputs(places, async (hits, groundTruth) => {
    await using table = await openSearchTable(database, entry, source, request, context);
    // Awaited here: the table is released when this function returns.
    return await searchBucket(table, places.queries, request, { hits, groundTruth, truthShare }, context);
  }).catch(async (error: unknown) => {
    const isOfTable = error instanceof DataError || !(error instanceof UserError);
    throw isOfTable ? await explainedByChange(database, entry, error) : error;
  });
  await checkPartitions(database, entry, outcome, context);
  return summarize(entry, request.k, outcome);
}

/** Writes the outputs whole or not at all. @param write receives temporary names */
function writeOutputs<T>(
  { output, truth, truthShare }: SearchPlaces,
  write: (hits: string, groundTruth: string | undefined) => Promise<T>,
): Promise<T> {
  if (truth === undefined || truthShare === undefined)
    return writeAllAtomically([output, truth], ([hits, groundTruth]) => write(hits!, groundTruth));
  return writeAtomically(output, (hits) => writeOptionally(truth, (groundTruth) => write(hits, groundTruth)));
}

/** Adds a warning where the table's rows are no longer in the partitions that the search relied on. */
async function checkPartitions(
  database: Database,
  entry: CatalogEntry,
  { plan, warnings }: SearchOutcome,
  { warn }: CommandContext,
): Promise<void> {
  if (!usesPartitions(entry, plan.strategy)) return;
  const misplaced = await findMisplacedRows(database, entry);
  if (misplaced === undefined) return;
  warn(`${misplaced}.`);
  warnings.push(misplaced);
}

/** Whether the table's partition order decides which rows are compared. */
function usesPartitions({ index }: CatalogEntry, strategy: SearchStrategy): boolean {
  return strategy === 'scan' || (strategy === 'ann' && index.centroids === 'order');
}

function summarize(entry: CatalogEntry, k: number, { hits, plan, warnings, ...outcome }: SearchOutcome) {
  const { bucket, rows: bucketRows, dimension, metric, vectorType, model, nullDistances } = entry;
  const { strategy: mode, ...settings } = plan;
  const table = {
    bucket,
    bucketRows,
    dimension,
    vectorType,
    metric,
    model: model.model,
    background: nullDistances?.histogram,
  };
  return { rows: hits, ...table, k, mode, ...settings, ...outcome, warnings };
}
