import type { CommandContext } from '../../app/command.ts';
import { takeVectorsAt } from '../../lance/read-table.ts';
import { drawNullSample, measureNulls } from '../../vectors/significance/measure-nulls.ts';
import { type CatalogEntry, fingerprint } from '../catalog/catalog-entry.ts';
import type { Database } from '../database.ts';
import { measuredNulls } from '../database-messages.ts';
import { openVersion } from '../table-state.ts';
import { nextRevision } from './publish-revision.ts';

/**
 * Measures the null distribution of a bucket that an earlier version built, and adds it to the catalog
 * entry. Table and index stay. The caller holds the bucket's lock.
 * @returns the entry: as it was, where it has a null distribution
 * @throws DataError if another client changed the table
 */
export async function addNulls(
  database: Database,
  entry: CatalogEntry,
  lost: AbortSignal,
  { log }: Pick<CommandContext, 'log'>,
): Promise<CatalogEntry> {
  if (entry.nullDistances) return entry;
  const { metric, dimension } = entry;
  const table = await openVersion(database, entry);
  const { rows, queries } = drawNullSample(entry.rows);
  const sampled = Promise.all([takeVectorsAt(table, rows), takeVectorsAt(table, queries)]);
  const nullDistances = measureNulls(metric, dimension, ...(await sampled.finally(() => table.close())));
  const facts = { ...entry, nullDistances };
  // -resume knows the bucket by its earlier fingerprints.
  const next = { ...facts, fingerprint: fingerprint(facts), revision: nextRevision(entry) };
  lost.throwIfAborted();
  await database.writeEntry(next);
  log(measuredNulls(entry.bucket));
  return next;
}
