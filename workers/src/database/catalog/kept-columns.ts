import type { Column } from '../../base/columns/column-type.ts';
import { DataError, UsageError } from '../../base/errors.ts';
import type { CatalogEntry } from './catalog-entry.ts';

/** The fields of an entry that say which columns its table has. */
type KeptColumns = Pick<CatalogEntry, 'bucket' | 'columns'>;

/** Texts about asked columns, for users. */
export const COLUMN_MESSAGES = {
  unknown: (uri: string, names: readonly string[], known: readonly string[]) =>
    `--columns ${names.join(',')}: no bucket of ${uri} has ${names.length === 1 ? 'this column' : 'these columns'}. ` +
    (known.length > 0
      ? `The columns are ${known.join(', ')}.`
      : 'Its buckets keep no columns: build them with LanceFlow 1.1 or newer, without --keep none.'),
  noSequences: (uri: string, known: readonly string[]) =>
    `FASTA needs sequences, but no bucket of ${uri} has a column sequence (its columns: ${known.join(', ') || 'none'}). Build it from FASTA, without --keep none.`,
  twoTypes: (uri: string, name: string, [type, bucket]: TypeOf, [otherType, otherBucket]: TypeOf) =>
    `${uri}: the column ${name} is ${type} in ${bucket} and ${otherType} in ${otherBucket}. Leave it out of --columns, or build one of ` +
    'the buckets again.',
  nothingAsked: 'Name what to fetch: --columns description,sequence, or --fasta FILE.',
  sequenceIsNotText: (uri: string, type: string) =>
    `FASTA needs sequences, but the column sequence of ${uri} is ${type}, not text. Write another format.`,
  noNames: (value: string) =>
    `--columns ${JSON.stringify(value)}: name columns, with commas between: description,taxon.`,
} as const;

type TypeOf = readonly [type: string, bucket: string];

/** Parses a list of columns, with commas between. @throws UsageError for an empty name */
export function parseColumns(text: string): string[] {
  const names = text.split(',').map((name) => name.trim());
  if (names.some((name) => name === '')) throw new UsageError(COLUMN_MESSAGES.noNames(text));
  return [...new Set(names)];
}

/** Parses a list of columns to keep, or none. @throws UsageError for an empty name */
export function parseKeptColumns(text: string): string[] {
  return text === 'none' ? [] : parseColumns(text);
}

/** Lists the names of the columns that any of the buckets has, sorted. */
export function columnNames(entries: readonly KeptColumns[]): string[] {
  return [...new Set(entries.flatMap(({ columns = [] }) => columns.map(({ name }) => name)))].sort();
}

/**
 * Finds asked columns in the buckets. A column has one type in all buckets; integers and numbers with a fraction are float64 together.
 * @returns them in the asked order
 * @throws UsageError that lists the columns for one that no bucket has; DataError for one that is text here and a number there
 */
export function findColumns(uri: string, entries: readonly KeptColumns[], names: readonly string[]): Column[] {
  const known = columnNames(entries);
  const unknown = names.filter((name) => !known.includes(name));
  if (unknown.length > 0) throw new UsageError(COLUMN_MESSAGES.unknown(uri, unknown, known));
  return names.map((name) => {
    const found = entries.flatMap(({ bucket, columns = [] }) =>
      columns.filter((column) => column.name === name).map(({ type }) => [type, bucket] as const),
    );
    const [first] = found;
    const other = found.find(([type]) => type !== first![0]);
    if (!other) return { name, type: first![0] };
    const text = found.find(([type]) => type === 'utf8');
    if (!text) return { name, type: 'float64' as const };
    throw new DataError(COLUMN_MESSAGES.twoTypes(uri, name, text, found.find(([type]) => type !== 'utf8')!));
  });
}
