// Messages of reading FASTA for users: the file and record, the problem, and what to do.

import { DataError } from '../base/errors.ts';
import { MAX_HEADER_BYTES, MAX_ID_BYTES, MAX_SEQUENCE_LETTERS } from '../base/limits.ts';
import { counted } from '../base/text/counted.ts';

/** Letters of a sequence, for messages. */
const ALLOWED_LETTERS = 'A-Z, "*", "-" and "."';

/** @param name of the file */
export function emptyFile(name: string): DataError {
  return new DataError(`${name}: no sequences: the file is empty.`);
}

/** @param files their number */
export function noSequences(files: number): DataError {
  return new DataError(`None of the ${counted(files, 'file')} has a sequence. Check --input.`);
}

/** @param name of the file */
export function onlyStops(name: string): DataError {
  return new DataError(`${name}: no sequences: its records have no residues, only a stop (*).`);
}

export function lineBeforeHeader(name: string, line: number): DataError {
  return new DataError(`${name}: line ${line} comes before the first header. A FASTA file starts with a line ">id".`);
}

export function headerWithoutId(name: string, record: number, line: number): DataError {
  return new DataError(`${name}: record ${record} (line ${line}) has a header without an id. A header is ">id".`);
}

/** @param record file, number and id of the record @param problem one of the texts below */
export function badRecord(record: string, problem: string): DataError {
  return new DataError(`${record}: ${problem}`);
}

export const headerTooLong = `its header has more than ${MAX_HEADER_BYTES} bytes. Is a line break missing?`;
export const idNotUtf8 = 'its id is not UTF-8. Convert the file, for instance with iconv.';
export const idTooLong = `its id has more than ${MAX_ID_BYTES} bytes. Shorten it.`;
export const sequenceEmpty = 'its sequence is empty. Remove the record or complete it.';
export const sequenceTooLong = `its sequence has more than ${MAX_SEQUENCE_LETTERS} letters. Is a header line missing?`;

export function controlInId(code: number): string {
  const codePoint = `U+${code.toString(16).toUpperCase().padStart(4, '0')}`;
  return `its id has the control character ${codePoint}, which no id can have. Remove it.`;
}

/** @param position in the sequence, from 1 */
export function badLetter(byte: number, position: number, line: number): string {
  const letter = byte > 32 && byte < 127 ? `"${String.fromCharCode(byte)}"` : `byte 0x${byte.toString(16)}`;
  return `${letter} at position ${position} of its sequence (line ${line}) is not a protein letter. Allowed are ${ALLOWED_LETTERS}.`;
}

/** @param record file, number and id of the first record @param share of the letters A, C, G, T and U */
export function nucleotides(record: string, share: number): DataError {
  return new DataError(
    `${record}: its letters, and those of the records after it, are nucleotides (${Math.round(100 * share)}% A, C, G, T or U), ` +
      'not proteins. Translate the sequences first (prodigal, getorf, transeq). If they are proteins, pass ' +
      '--allow-nucleotide (in the pipeline --allow_nucleotide).',
  );
}

/** @param id as shown to users @param first the record in which the id occurs first */
export function duplicatedRecordId(path: string, record: number, id: string, first: string): DataError {
  return new DataError(
    `${path}: record ${record}: ${id} is also the id of ${first}. Ids must be unique: rename or remove one.`,
  );
}

export function fileChanged(path: string): DataError {
  return new DataError(`${path}: the file changed while it was read. Run the same command again.`);
}

export function missingFile(path: string): DataError {
  return new DataError(`${path}: no such file.`);
}

export function isFolder(path: string): DataError {
  return new DataError(`${path}: is a folder. Name the FASTA files in it.`);
}

/** @param isTruncated whether the compressed data ends early; otherwise it is damaged */
export function badCompression(name: string, format: string, isTruncated: boolean, cause: unknown): DataError {
  const problem = isTruncated ? 'is truncated' : 'is damaged';
  return new DataError(`${name}: its ${format} compression ${problem}. Copy or make the file again.`, { cause });
}

/** Other formats that users pass by mistake, recognized by their first bytes, and what to do. */
export const FOREIGN_FORMATS: ReadonlyArray<readonly [start: Buffer, message: string]> = [
  [
    Buffer.from('\x89HDF\r\n\x1a\n', 'latin1'),
    'is HDF5, not FASTA. Vectors need no embedding: use the file directly as a shard.',
  ],
  [Buffer.from('BZh'), 'is compressed with bzip2. Decompress it, or compress it with gzip.'],
  [Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a]), 'is compressed with xz. Decompress it, or compress it with gzip.'],
  [Buffer.from('PK\x03\x04', 'latin1'), 'is a zip archive. Decompress it first.'],
];
