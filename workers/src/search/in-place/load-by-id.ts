import type { Progress } from '../../app/progress.ts';
import { DataError } from '../../base/errors.ts';
import { quoteValue } from '../../base/text/quote.ts';
import type { CatalogEntry } from '../../database/catalog/catalog-entry.ts';
import type { Database } from '../../database/database.ts';
import type { AskQueries } from './ask-queries.ts';
import { findId } from './find-id.ts';
import { IN_PLACE_MESSAGES } from './in-place-messages.ts';
import { countedTables } from './reads/counted-tables.ts';

/**
 * Reads the stored vector of a protein; that of the newest bucket where several have its id.
 * @throws DataError if none has
 */
export async function loadById(
  database: Database,
  entries: readonly CatalogEntry[],
  id: string,
  progress: Progress,
): Promise<AskQueries> {
  const { tables } = database;
  // The list of the entries, and these.
  const lookup = { requests: 1 + entries.length, bytes: 0 };
  const counted = tables.folder === undefined ? database.withTables(countedTables(tables, lookup)) : database;
  const found = await findId(counted, entries, id, progress);
  if (!found) throw new DataError(IN_PLACE_MESSAGES.unknownId(quoteValue(id), database.uri));
  const { dimension, model } = entries.find(({ bucket }) => bucket === found.bucket)!;
  return {
    source: `--id ${quoteValue(id)}`,
    ids: [id],
    dimension,
    vectors: found.vector,
    attributes: model,
    ...(tables.folder === undefined && { lookup }),
  };
}
