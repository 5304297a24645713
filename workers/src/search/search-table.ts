import { availableParallelism } from 'node:os';
import type { CommandContext } from '../app/command.ts';
import type { CatalogEntry } from '../database/catalog/catalog-entry.ts';
import type { Database } from '../database/database.ts';
import { type RowSelection, selectedEntry, selectRows } from './filter/select-rows.ts';
import { neededParts } from './plan/needed-parts.ts';
import type { SearchStrategy } from './plan/strategies.ts';
import { strategiesBeforeFetch } from './plan/strategies-before-fetch.ts';
import { countQueries } from './queries/queries.ts';
import { SEARCH_MESSAGES } from './search-messages.ts';
import { type SearchRequest, searchK } from './search-request.ts';

/** A bucket's table where a search reads it; disposed of when the search has ended. */
export interface SearchTable extends AsyncDisposable {
  /** Has the table. */
  database: Database;
  /** With the parts of the table that `database` has. */
  entry: CatalogEntry;
  /** Rows that the request's filter selects. */
  selection?: RowSelection | undefined;
  /** Strategies that these parts allow; default: all. */
  strategies?: readonly SearchStrategy[] | undefined;
}

/**
 * Opens a bucket's table for a search: in place, or in a folder into which the parts that the search needs were fetched from S3. The
 * catalog entry shows which strategies may be quickest, and these determine the parts.
 * @param stream reads a table on S3 in place
 */
export async function openSearchTable(
  database: Database,
  entry: CatalogEntry,
  {
    queries,
    truth,
    truthShare,
    stream,
  }: { queries: readonly string[]; truth?: string | undefined; truthShare?: number | undefined; stream: boolean },
  request: SearchRequest,
  { progress, log }: CommandContext,
): Promise<SearchTable> {
  let strategies: readonly SearchStrategy[] | undefined;
  // In place, where every column is: a search fetches none.
  const selection = request.where === undefined ? undefined : await selectRows(database, entry, request.where);
  const searched = selection ? selectedEntry(entry, selection) : entry;
  const chooseParts = async () => {
    // Wrong queries are refused before anything is fetched for them.
    const queryCount = await countQueries(queries, entry, request.range);
    const k = Math.min(searchK(request), Math.max(1, searched.rows));
    const needs = { ...request, k, groundTruth: truth !== undefined && truthShare === undefined };
    strategies = strategiesBeforeFetch(needs, searched, queryCount, availableParallelism());
    if (strategies) log(SEARCH_MESSAGES.fetchedFor(entry.bucket, strategies));
    return neededParts({ ...needs, strategies }, searched);
  };
  const opened = await database.nodeTables.openForSearch(entry, { stream, neededParts: chooseParts, progress });
  return {
    database: database.withTables(opened.tables),
    entry: opened.entry,
    selection,
    strategies,
    [Symbol.asyncDispose]: () => opened[Symbol.asyncDispose](),
  };
}
