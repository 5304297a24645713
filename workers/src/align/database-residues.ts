import { DataError } from '../base/errors.ts';
import { storedRows } from '../database/catalog/catalog-entry.ts';
import { Database } from '../database/database.ts';
import { noBuckets, unknownBucket } from '../database/database-messages.ts';
import { readTableRecipes } from '../hits/neighbours-origin.ts';

/** Residues of a protein, the mean of UniProtKB to 3%, for buckets whose entries have no residue count. An E-value grows in proportion. */
export const RESIDUES_PER_ROW = 350;

/** Residues of the targets that were searched. */
export interface DatabaseResidues {
  databaseResidues: number;
  /** Rows of buckets whose residues are not known, which count RESIDUES_PER_ROW each. */
  assumedRows: number;
}

/**
 * Returns the residues of the targets that were searched, by the catalog. Deleted rows are as long as the others, on average.
 * @param metadata of the neighbours, which name the searched buckets; all buckets where it names none
 * @throws DataError for a searched bucket that the database lacks: E-values of another database would be too small
 */
export async function databaseResidues(
  uri: string,
  metadata: Readonly<Record<string, string>>,
): Promise<DatabaseResidues> {
  const database = await Database.open(uri);
  await database.requireExists();
  const entries = new Map((await database.entries()).map((entry) => [entry.bucket, entry]));
  if (entries.size === 0) throw new DataError(noBuckets(database.uri));
  const searched = [...readTableRecipes(metadata).keys()];
  const missing = searched.find((bucket) => !entries.has(bucket));
  if (missing !== undefined) throw new DataError(unknownBucket(database.uri, missing, [...entries.keys()]));
  const counted = searched.length === 0 ? [...entries.values()] : searched.map((bucket) => entries.get(bucket)!);
  let [databaseResidues, assumedRows] = [0, 0];
  for (const entry of counted) {
    const { rows, residues } = entry;
    if (residues === undefined) assumedRows += rows;
    else if (rows > 0) databaseResidues += Math.round((residues * rows) / storedRows(entry));
  }
  return { databaseResidues: databaseResidues + assumedRows * RESIDUES_PER_ROW, assumedRows };
}
