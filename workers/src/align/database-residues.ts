import { DataError } from '../base/errors.ts';
import { Database } from '../database/database.ts';
import { noBuckets, unknownBucket } from '../database/database-messages.ts';
import { readTableRecipes } from '../hits/neighbours-origin.ts';

/** Residues of a protein, the mean of UniProtKB to 3%: a catalog counts rows, not residues. An E-value grows in proportion. */
export const RESIDUES_PER_ROW = 350;

/**
 * Returns the residues of the targets that were searched, estimated from the catalog's row counts.
 * @param metadata of the neighbours, which name the searched buckets; all buckets where it names none
 * @throws DataError for a searched bucket that the database lacks: E-values of another database would be too small
 */
export async function databaseResidues(uri: string, metadata: Readonly<Record<string, string>>): Promise<number> {
  const database = await Database.open(uri);
  await database.requireExists();
  const rows = new Map((await database.entries()).map((entry) => [entry.bucket, entry.rows]));
  if (rows.size === 0) throw new DataError(noBuckets(database.uri));
  const searched = [...readTableRecipes(metadata).keys()];
  const missing = searched.find((bucket) => !rows.has(bucket));
  if (missing !== undefined) throw new DataError(unknownBucket(database.uri, missing, [...rows.keys()]));
  const counted = searched.length === 0 ? [...rows.keys()] : searched;
  return counted.reduce((sum, bucket) => sum + rows.get(bucket)!, 0) * RESIDUES_PER_ROW;
}
