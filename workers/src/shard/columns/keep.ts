import { isColumnName } from '../../base/columns/column-type.ts';
import { UsageError } from '../../base/errors.ts';
import { badKeep, noFastaColumn } from './column-messages.ts';

/**
 * Which columns of a shard are kept: those of the given names that it has; `all`: every dataset of one text or number a row; `written`:
 * those that LanceFlow wrote into it; `possible`: all but those whose names no column can have, which `all` refuses.
 */
export type Keep = readonly string[] | 'all' | 'written' | 'possible';

/** The attribute of a shard that names the columns that LanceFlow wrote into it, separated by commas. */
export const WRITTEN_COLUMNS = 'kept_columns';

/** The columns of FASTA. */
export const FASTA_COLUMNS = ['description', 'sequence'] as const;
export type FastaColumn = (typeof FASTA_COLUMNS)[number];

/** Returns the columns of FASTA that are kept. @throws UsageError for a name that FASTA does not have */
export function fastaColumns(keep: Keep): FastaColumn[] {
  const unknown = typeof keep === 'string' ? [] : keep.filter((name) => !FASTA_COLUMNS.some((own) => own === name));
  if (unknown.length > 0) throw new UsageError(noFastaColumn(unknown, FASTA_COLUMNS));
  return FASTA_COLUMNS.filter((name) => typeof keep === 'string' || keep.includes(name));
}

/**
 * Parses the value of --keep.
 * @param text undefined: what LanceFlow wrote, or of FASTA all that it has
 * @throws UsageError for a name that no column can have
 */
export function parseKeep(text: string | undefined): Keep {
  if (text === undefined) return 'written';
  if (text === 'none') return [];
  if (text === 'all') return 'all';
  const names = text.split(',').map((name) => name.trim());
  const wrong = names.find((name) => !isColumnName(name));
  if (wrong !== undefined) throw new UsageError(badKeep(wrong));
  return [...new Set(names)];
}
