import type { CatalogEntry } from '../database/catalog/catalog-entry.ts';
import { Database } from '../database/database.ts';
import { readTableRecipes } from '../hits/neighbours-origin.ts';

/** Residues of a protein, the mean of UniProtKB to 3%: a catalog counts rows, not residues. An E-value grows in proportion. */
export const RESIDUES_PER_ROW = 350;

/**
 * Returns the residues of the targets that were searched, estimated from the catalog's row counts.
 * @param metadata of the neighbours, which name the searched buckets; all buckets where it names none
 */
export async function databaseResidues(uri: string, metadata: Readonly<Record<string, string>>): Promise<number> {
  const database = await Database.open(uri);
  await database.requireExists();
  const searched = readTableRecipes(metadata);
  const wasSearched = ({ bucket }: CatalogEntry) => searched.size === 0 || searched.has(bucket);
  const entries = await database.entries();
  return entries.filter(wasSearched).reduce((sum, { rows }) => sum + rows, 0) * RESIDUES_PER_ROW;
}
