import { columnBytes, type Utf8Column } from '../base/bytes/utf8-column.ts';
import { quoteId } from '../base/text/quote.ts';
import type { TrailingStop } from './sequence.ts';

/** Consecutive records of a FASTA file. */
export interface FastaBatch {
  ids: Utf8Column;
  /** Upper case, without the trailing stop unless `trailingStop` is `keep`; one per id. */
  sequences: string[];
  /** Number of the first record in its file, from 1. */
  firstRecord: number;
  /** Letters of all sequences. */
  residues: number;
  /** The rest of each header; where it was asked for. */
  descriptions?: Utf8Column;
}

export interface BatchLimits {
  records: number;
  /** A batch ends with the record that reaches this limit. */
  residues: number;
}

export interface FastaOptions extends BatchLimits {
  /** Default: `drop`. */
  trailingStop?: TrailingStop | undefined;
  /** Whether nucleotides are read as if they were proteins. Default: they are refused. */
  allowNucleotide?: boolean | undefined;
  /** Whether descriptions are read. Default: they are skipped. */
  descriptions?: boolean | undefined;
  /** Receives what is skipped: records of a stop alone, and files without records. Default: they are refused. */
  onSkipped?: ((skipped: SkippedRecord) => void) | undefined;
}

/** A record without residues; a file without records has the number 0. */
export interface SkippedRecord {
  /** The name of the file. */
  file: string;
  /** Number in the file, from 1. */
  record: number;
  id: string;
}

/** Describes a record of a batch for messages: its number in the file and its id. */
export function describeRecord({ firstRecord, ids }: FastaBatch, row: number): string {
  return `record ${firstRecord + row} (${quoteId(columnBytes(ids, row))})`;
}
