import type { Column } from '../../base/columns/column-type.ts';
import { DeletedRows } from '../../bucket/deleted-rows.ts';
import { damagedBucket, type OpenBucket } from '../../bucket/open-bucket.ts';
import { type CatalogEntry, storedRows } from '../../database/catalog/catalog-entry.ts';
import type { Database } from '../../database/database.ts';
import { openVersion } from '../../database/table-state.ts';
import { selectedRows } from '../../lance/read-table.ts';
import { encloseExpression, withNulls } from './filter-expression.ts';
import { badFilter, filterNeedsFragments, reasonOf } from './filter-messages.ts';

/** The rows of a bucket that a filter selects. */
export interface RowSelection {
  /** The expression as LanceDB evaluates it on this table. */
  where: string;
  rows: number;
  /** All other rows. */
  skipped: DeletedRows;
}

/**
 * Selects the rows of a bucket for which an expression of SQL on its columns is true, by LanceDB's engine. A column that only other buckets
 * have is null.
 * @throws UsageError for an expression that is wrong, or names a column that no bucket has
 */
export async function selectRows(database: Database, entry: CatalogEntry, expression: string): Promise<RowSelection> {
  const table = await openVersion(database, entry);
  try {
    return await selectOf({ database, entry, table }, expression);
  } finally {
    table.close();
  }
}

/** Returns an open bucket with the rows that a filter selects. @throws UsageError as `selectRows` */
export async function selectBucket<B extends OpenBucket>(bucket: B, expression: string): Promise<B> {
  return selectedBucket(bucket, await selectOf(bucket, expression));
}

/** Returns an open bucket with the selected rows: the others count as deleted, so every strategy skips them. */
export function selectedBucket<B extends OpenBucket>(bucket: B, selection: RowSelection): B {
  const { where, skipped } = selection;
  return { ...bucket, entry: selectedEntry(bucket.entry, selection), deleted: skipped, where };
}

async function selectOf(
  { database, entry, table }: Pick<OpenBucket, 'database' | 'entry' | 'table'>,
  expression: string,
): Promise<RowSelection> {
  const { fragments } = entry;
  if (!fragments) throw filterNeedsFragments(entry.bucket);
  const select = (where: string) => DeletedRows.allBut(fragments, selectedRows(table, where));
  const enclosed = encloseExpression(expression);
  const first = await select(enclosed).catch((error: unknown) => ({ error }));
  if (!('error' in first)) return { where: enclosed, ...first };
  const missing = missingColumns(await allColumns(database), entry);
  const where = withNulls(enclosed, missing);
  if (where === enclosed) throw refusal(database, entry, expression, first.error, missing);
  const selection = await select(where).catch((error: unknown) => {
    throw refusal(database, entry, expression, error, missing);
  });
  return { where, ...selection };
}

/** Returns a bucket's entry in which the rows that a filter does not select count as deleted. */
export function selectedEntry(entry: CatalogEntry, { rows }: RowSelection): CatalogEntry {
  return { ...entry, rows, deletedRows: storedRows(entry) - rows };
}

function refusal(
  database: Database,
  { bucket, columns = [] }: CatalogEntry,
  expression: string,
  error: unknown,
  missing: readonly Column[],
): Error {
  const reason = error instanceof Error ? reasonOf(error.message) : undefined;
  if (reason === undefined) return damagedBucket(database, bucket, error);
  const names = [...columns, ...missing].map(({ name }) => name);
  return badFilter(expression, reason, ['id', ...names]);
}

async function allColumns(database: Database): Promise<Column[]> {
  const byName = new Map<string, Column>();
  for (const { columns = [] } of await database.entries())
    for (const column of columns) byName.set(column.name, column);
  return [...byName.values()];
}

function missingColumns(all: readonly Column[], { columns = [] }: CatalogEntry): Column[] {
  const own = new Set(columns.map(({ name }) => name.toLowerCase()));
  return all.filter(({ name }) => !own.has(name.toLowerCase()));
}
