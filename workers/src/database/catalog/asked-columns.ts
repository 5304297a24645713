import type { Column } from '../../base/columns/column-type.ts';
import { DataError, UsageError } from '../../base/errors.ts';
import type { CatalogEntry } from './catalog-entry.ts';
import { COLUMN_MESSAGES, columnNames, findColumns } from './kept-columns.ts';

/**
 * Finds the columns to add to neighbours, and all that must be fetched: the same, then those that only FASTA needs.
 * @throws UsageError for a column that no bucket has, or if nothing is asked; DataError for sequences that are no text
 */
export function askedColumns(
  uri: string,
  entries: readonly CatalogEntry[],
  names: readonly string[],
  withFasta: boolean,
): { added: Column[]; fetched: Column[] } {
  if (names.length === 0 && !withFasta) throw new UsageError(COLUMN_MESSAGES.nothingAsked);
  const added = findColumns(uri, entries, names);
  if (!withFasta) return { added, fetched: added };
  const known = columnNames(entries);
  if (!known.includes('sequence')) throw new UsageError(COLUMN_MESSAGES.noSequences(uri, known));
  const [sequence, ...descriptions] = findColumns(uri, entries, [
    'sequence',
    // A database may lack descriptions.
    ...known.filter((name) => name === 'description'),
  ]);
  if (sequence!.type !== 'utf8') throw new DataError(COLUMN_MESSAGES.sequenceIsNotText(uri, sequence!.type));
  const texts = [sequence!, ...descriptions.filter(({ type }) => type === 'utf8')];
  return { added, fetched: [...added, ...texts.filter(({ name }) => !names.includes(name))] };
}
