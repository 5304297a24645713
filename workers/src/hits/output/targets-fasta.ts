import { crc32 } from 'node:zlib';
import { columnBytes, type Utf8Column } from '../../base/bytes/utf8-column.ts';
import { quoteValue } from '../../base/text/quote.ts';
import { hitRows, type NeighbourColumns } from '../columns.ts';
import { type ExtraColumn, hasValue } from '../extra-column.ts';
import { HIT_MESSAGES } from '../hit-messages.ts';
import { SortedRecords } from './sorted-records.ts';
import { createTextFile, type TextCompression } from './text-file.ts';

/** Residues of a line. */
const LINE_LENGTH = 60;
const WRITE_BYTES = 2 ** 18;
const NEWLINE = 0x0a;
const SPACE = 0x20;
const GREATER = 0x3e;
const DELETE = 0x7f;

/** What the FASTA file says of the targets of a batch, one a row: columns of text. */
export interface TargetTexts {
  /** Undefined: no description. */
  description: ExtraColumn | undefined;
  sequence: ExtraColumn;
}

/** What a FASTA file has. */
export interface WrittenFasta {
  targets: number;
  /** Targets that are omitted, because they have no sequence. */
  withoutSequence: number;
  /** Ids with several sequences, and the first of them. */
  ambiguous: number;
  firstAmbiguous?: string;
  bytes: number;
}

/** Writes the targets of neighbours as FASTA, each id once, in the order of the ids' bytes. */
export interface FastaWriter {
  append(rows: NeighbourColumns, texts: TargetTexts): void;
  /** Completes the file. */
  finish(): Promise<WrittenFasta>;
  /** Closes and deletes the file. */
  abandon(): Promise<void>;
}

/**
 * Creates a FASTA file at `path` (a temporary name: see `writeAtomically`). Of several rows with one id, the first with a sequence counts; a
 * target without one is omitted and counted.
 * @param folder existing, for targets that do not fit into memory
 */
export function createTargetsFasta(path: string, compression: TextCompression, folder: string): FastaWriter {
  const file = createTextFile(path, compression);
  const records = new SortedRecords(folder);
  return {
    append({ targetIds, ...batch }, { description, sequence }) {
      for (let row = 0; row < hitRows(batch); row++) {
        const id = columnBytes(targetIds, row);
        const residues = lettersOf(textAt(sequence, row) ?? NO_LETTERS);
        const checksum = residues.length > 0 ? crc32(residues) : undefined;
        records.add(id, checksum, () => fastaRecord(id, textAt(description, row), residues));
      }
    },
    async finish() {
      let [targets, withoutSequence, ambiguous] = [0, 0, 0];
      let firstAmbiguous: string | undefined;
      let [pieces, pieceBytes]: [Uint8Array[], number] = [[], 0];
      for (const { id, bytes: record, isAmbiguous } of records.sorted()) {
        if (isAmbiguous) {
          ambiguous++;
          firstAmbiguous ??= Buffer.from(id).toString();
        }
        if (record.length === 0) withoutSequence++;
        else targets++;
        pieces.push(record);
        pieceBytes += record.length;
        if (pieceBytes < WRITE_BYTES) continue;
        await file.write(Buffer.concat(pieces));
        [pieces, pieceBytes] = [[], 0];
      }
      await file.write(Buffer.concat(pieces));
      const bytes = await file.finish();
      return { targets, withoutSequence, ambiguous, ...(firstAmbiguous !== undefined && { firstAmbiguous }), bytes };
    },
    abandon: file.abandon,
  };
}

/** Lists what a reader of a FASTA file must know. */
export function fastaWarnings({ withoutSequence, ambiguous, firstAmbiguous = '' }: WrittenFasta): string[] {
  return [
    ...(withoutSequence > 0 ? [HIT_MESSAGES.withoutSequence(withoutSequence)] : []),
    ...(ambiguous > 0 ? [HIT_MESSAGES.twoSequences(ambiguous, quoteValue(firstAmbiguous))] : []),
  ];
}

const NO_LETTERS = new Uint8Array(0);

/** Returns a sequence without white space, control characters and >, which would end its line or its record. */
function lettersOf(sequence: Uint8Array): Uint8Array {
  const isLetter = (byte: number) => byte > SPACE && byte !== DELETE && byte !== GREATER;
  // Nearly all have letters alone, and are not copied.
  for (let at = 0; at < sequence.length; at++) if (!isLetter(sequence[at]!)) return sequence.filter(isLetter);
  return sequence;
}

/** @returns undefined for null, and for an empty text */
function textAt(column: ExtraColumn | undefined, row: number): Uint8Array | undefined {
  if (!column || !hasValue(column, row)) return undefined;
  const text = columnBytes(column as Utf8Column, row);
  return text.length > 0 ? text : undefined;
}

/** Formats a record: its header on one line, then the sequence. Control characters of a header, line breaks too, become spaces. */
function fastaRecord(id: Uint8Array, description: Uint8Array | undefined, sequence: Uint8Array): Uint8Array {
  const header = Buffer.concat([Buffer.from('>'), id, ...(description ? [Buffer.from(' '), description] : [])]);
  const headerLine = header.map((byte) => (byte < SPACE || byte === DELETE ? SPACE : byte));
  const lines = Math.ceil(sequence.length / LINE_LENGTH);
  const record = new Uint8Array(headerLine.length + 1 + sequence.length + lines);
  record.set(headerLine);
  let at = headerLine.length;
  record[at++] = NEWLINE;
  for (let start = 0; start < sequence.length; start += LINE_LENGTH) {
    const line = sequence.subarray(start, start + LINE_LENGTH);
    record.set(line, at);
    at += line.length;
    record[at++] = NEWLINE;
  }
  return record;
}
