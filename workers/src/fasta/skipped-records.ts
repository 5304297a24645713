import type { CommandContext } from '../app/command.ts';
import type { DataError } from '../base/errors.ts';
import { writeTextAtomically } from '../base/files/write-atomically.ts';
import { counted } from '../base/text/counted.ts';
import { quoteId } from '../base/text/quote.ts';
import type { FastaOptions, SkippedRecord } from './fasta-batch.ts';
import { emptyFile, noSequences, onlyStops } from './fasta-messages.ts';

/** Records that are listed; others are counted. */
const MAX_LISTED = 100_000;
/** Records that the log names. */
const MAX_LOGGED = 5;

/** What was skipped while inputs were read: records without residues, and files without records. */
export class SkippedRecords {
  readonly #name: (file: string) => string;
  readonly #listed: SkippedRecord[] = [];
  records = 0;
  files = 0;

  /** @param name returns the name of a file for users */
  constructor(name: (file: string) => string = (file) => file) {
    this.#name = name;
  }

  readonly add = (skipped: SkippedRecord): void => {
    if (skipped.record === 0) this.files++;
    else this.records++;
    if (this.#listed.length < MAX_LISTED) this.#listed.push({ ...skipped, file: this.#name(skipped.file) });
  };

  get isEmpty(): boolean {
    return this.records + this.files === 0;
  }

  /** Returns the counts for a command's report: nothing if nothing was skipped. */
  get counts(): { skippedRecords?: number; skippedFiles?: number } {
    return this.isEmpty ? {} : { skippedRecords: this.records, skippedFiles: this.files };
  }

  /** Warns of what was skipped. */
  report(warn: (line: string) => void): void {
    if (this.isEmpty) return;
    const shown = this.#listed
      .slice(0, MAX_LOGGED)
      .map(({ file, record, id }) => (record === 0 ? file : `${file}: record ${record} (${quoteId(Buffer.from(id))})`));
    const others = this.records + this.files - shown.length;
    warn(
      `skipped ${counted(this.records, 'record')} without residues and ${counted(this.files, 'file')} without records: ${shown.join(', ')}` +
        (others > 0 ? `, and ${others} more` : ''),
    );
  }

  /** Returns a table of what was skipped (CSV): the number and id of a record are empty for a file. */
  toCsv(): string {
    const rows = this.#listed.map(({ file, record, id }) =>
      [file, record === 0 ? '' : `${record}`, id, record === 0 ? 'no records' : 'no residues'].map(quoted).join(','),
    );
    return ['file,record,id,reason', ...rows, ''].join('\n');
  }

  /** @returns the error for inputs of which nothing is left */
  nothingLeft(inputs: readonly string[]): DataError {
    if (inputs.length > 1) return noSequences(inputs.length);
    return this.files > 0 ? emptyFile(inputs[0]!) : onlyStops(inputs[0]!);
  }
}

/** The options of commands that read FASTA. */
export interface ReadingOptions {
  input: readonly string[];
  /** Name of a single input for users. */
  name?: string | undefined;
  allowNucleotide?: boolean | undefined;
  /** Whether records without residues, and files without records, are refused. */
  strict?: boolean | undefined;
  /** Path of the table of what was skipped. */
  skipped?: string | undefined;
  /** Whether inputs without any sequence are fine. */
  allowEmpty?: boolean | undefined;
}

/** How files are read: see FastaOptions. */
export interface FastaReading extends Pick<FastaOptions, 'allowNucleotide' | 'onSkipped'> {
  /** Called with the row count before an output is finished. @throws DataError if there must be rows */
  requireRows?: (rows: number) => void;
}

/** Returns how files are read, as the options say, where nobody asks what is skipped. */
export function readingFor({ allowNucleotide, strict }: ReadingOptions): FastaReading {
  return { allowNucleotide, onSkipped: strict ? undefined : () => {} };
}

/**
 * Runs `use`, and reports what it skips: in a warning, in the table of `skipped`, and in the result.
 * @throws DataError if nothing is left
 */
export async function withSkipped<T extends { rows: number }>(
  options: ReadingOptions,
  { warn }: Pick<CommandContext, 'warn'>,
  use: (reading: FastaReading) => Promise<T>,
): Promise<T & SkippedRecords['counts']> {
  const { input, name, strict, skipped, allowEmpty } = options;
  const records = new SkippedRecords((file) => (input.length === 1 ? (name ?? file) : file));
  const requireRows = (rows: number) => {
    if (rows === 0 && !allowEmpty) throw records.nothingLeft(input);
  };
  const result = await use({ ...readingFor(options), onSkipped: strict ? undefined : records.add, requireRows });
  records.report(warn);
  if (skipped !== undefined && !records.isEmpty) await writeTextAtomically(skipped, records.toCsv());
  return { ...result, ...records.counts };
}

function quoted(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
