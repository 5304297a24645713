import { isUtf8 } from 'node:buffer';
import type { DataError } from '../base/errors.ts';
import { MAX_HEADER_BYTES, MAX_ID_BYTES, MAX_SEQUENCE_LETTERS } from '../base/limits.ts';
import { quoteId } from '../base/text/quote.ts';
import { BatchIds, grow } from './batch-ids.ts';
import { describeRecord, type FastaBatch, type FastaOptions } from './fasta-batch.ts';
import * as messages from './fasta-messages.ts';
import { cleanDescription, DescriptionList } from './header-description.ts';
import { LineEnds, NEWLINE, RETURN } from './line-ends.ts';
import { findNucleotides } from './nucleotides.ts';
import { BYTE, isSpaceByte, LETTER_OF_BYTE, LETTER_WITH_RETURNS, lengthWithoutStop } from './sequence.ts';

const GREATER = '>'.charCodeAt(0);
const SEMICOLON = ';'.charCodeAt(0);
/** What may follow the last line: NULs, which fill up a block, and ^Z, the end of a file in DOS. */
const PADDING = [0, 0x1a];
/** More is damage: a copy that failed can leave NULs where records were. */
const MAX_PADDING_BYTES = 65_536;
const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf];
/** ^A: NCBI writes it between the headers of identical proteins, so it ends the id of the first. */
const HEADER_SEPARATOR = 1;
/** A batch ends with the record whose id or description reaches this limit, which bounds the memory for long headers. */
const BATCH_ID_BYTES = 2 ** 24;

/**
 * Parses FASTA piece by piece; pieces may end anywhere. Memory: the current batch and the current record, whose id, header and
 * sequence are limited (base/limits.ts). Errors are DataErrors that name the file, the record and the line.
 */
export class FastaParser {
  readonly #name: string;
  readonly #limits: FastaOptions;
  #state: 'start' | 'header' | 'letters' | 'comment' | 'padding' = 'start';
  #line = 1;
  readonly #lineEnds = new LineEnds();
  /** The error for padding that is not at the end of the file. */
  #paddingError: DataError | undefined;
  #paddingBytes = 0;
  #lastByte = NEWLINE;
  #bytesRead = 0;
  /** Number of the current record, from 1. */
  #record = 0;
  #taken = 0;
  /** Whether the record after those of the batch was skipped, which ends the batch. */
  #skippedAfter = false;
  #idDone = false;
  #headerBytes = 0;
  #letters = Buffer.allocUnsafe(1 << 16);
  #letterCount = 0;
  /** Ids of the batch; the current one is that of the current record. */
  readonly #ids = new BatchIds();
  #sequences: string[] = [];
  #residues = 0;
  /** What follows the id of the current header. */
  #rest: Uint8Array[] = [];
  #description: Uint8Array = new Uint8Array(0);
  readonly #descriptions = new DescriptionList();

  /** @param name of the file, for messages */
  constructor(name: string, limits: FastaOptions) {
    this.#name = name;
    this.#limits = limits;
  }

  /** Returns whether `take` must be called before the next `push`. */
  get isFull(): boolean {
    return (
      this.#skippedAfter ||
      this.#sequences.length >= this.#limits.records ||
      this.#residues >= this.#limits.residues ||
      this.#ids.bytes >= BATCH_ID_BYTES ||
      this.#descriptions.bytes >= BATCH_ID_BYTES
    );
  }

  /**
   * Parses from `start` to the end of the piece, or until the batch is full.
   * @returns the position where parsing stopped
   */
  push(piece: Uint8Array, start: number): number {
    let at = start;
    // A byte order mark may be split between pieces.
    while (at < piece.length && this.#bytesRead < 3 && piece[at] === BYTE_ORDER_MARK[this.#bytesRead]) {
      at++;
      this.#bytesRead++;
    }
    if (at < piece.length) this.#bytesRead = 3;
    while (at < piece.length && !this.isFull) at = this.#readFrom(piece, at);
    return at;
  }

  #readFrom(piece: Uint8Array, at: number): number {
    if (this.#state === 'letters') return this.#readLetters(piece, at);
    if (this.#state === 'header') return this.#readHeader(piece, at);
    if (this.#state === 'start') return this.#readStart(piece, at);
    return this.#state === 'comment' ? this.#readComment(piece, at) : this.#readPadding(piece, at);
  }

  /** Ends the last record. @throws DataError for a file without records, unless these are skipped */
  end(): void {
    if (this.#record === 0) {
      // A file of padding alone is damaged, not empty.
      if (this.#paddingError) throw this.#paddingError;
      if (!this.#limits.onSkipped) throw messages.emptyFile(this.#name);
      this.#limits.onSkipped({ file: this.#name, record: 0, id: '' });
      return;
    }
    if (this.#state === 'header') this.#endHeader();
    this.#endRecord();
  }

  /** Returns the records parsed since the last call, or undefined if there are none. @throws DataError for nucleotides */
  take(): FastaBatch | undefined {
    const count = this.#sequences.length;
    if (count === 0) return undefined;
    const batch = {
      ids: this.#ids.take(),
      sequences: this.#sequences,
      firstRecord: this.#taken + 1,
      residues: this.#residues,
      ...(this.#limits.descriptions ? { descriptions: this.#descriptions.take() } : {}),
    };
    this.#sequences = [];
    this.#residues = 0;
    this.#taken += count + (this.#skippedAfter ? 1 : 0);
    this.#skippedAfter = false;
    const share = this.#limits.allowNucleotide ? undefined : findNucleotides(batch.sequences);
    if (share !== undefined) throw messages.nucleotides(`${this.#name}: ${describeRecord(batch, 0)}`, share);
    return batch;
  }

  #readStart(piece: Uint8Array, start: number): number {
    let at = start;
    while (at < piece.length && isSpaceByte(piece[at]!)) if (piece[at++] === NEWLINE) this.#line++;
    if (at === piece.length) return at;
    if (piece[at] === GREATER) this.#startRecord();
    else if (piece[at] === SEMICOLON) this.#state = 'comment';
    else {
      const error = messages.lineBeforeHeader(this.#name, this.#line);
      if (!PADDING.includes(piece[at]!)) throw error;
      this.#startPadding(error);
    }
    return at + 1;
  }

  #startRecord(): void {
    this.#state = 'header';
    this.#record++;
    this.#ids.clearCurrent();
    this.#idDone = false;
    this.#headerBytes = 0;
    this.#rest = [];
  }

  #readLetters(piece: Uint8Array, start: number): number {
    const letterOf = this.#lineEnds.areReturns ? LETTER_WITH_RETURNS : LETTER_OF_BYTE;
    const letters = this.#reserveLetters(piece.length - start);
    let count = this.#letterCount;
    let at = start;
    let stop = false;
    for (; at < piece.length; at++) {
      const byte = piece[at]!;
      const letter = letterOf[byte]!;
      if (letter >= 32) letters[count++] = letter;
      else if (letter === BYTE.newline) this.#line++;
      else if (letter === BYTE.other) {
        stop = true;
        break;
      }
    }
    this.#letterCount = count;
    if (!stop) {
      this.#lastByte = piece[piece.length - 1]!;
      return at;
    }
    const before = at > start ? piece[at - 1]! : this.#lastByte;
    if (PADDING.includes(piece[at]!)) this.#startPadding(this.#badLetter(piece, at));
    else if (before !== NEWLINE && before !== RETURN) throw this.#badLetter(piece, at);
    else if (piece[at] === SEMICOLON) this.#state = 'comment';
    else if (piece[at] === GREATER) {
      if (before === RETURN) this.#lineEnds.setReturns();
      this.#endRecord();
      this.#startRecord();
    } else throw this.#badLetter(piece, at);
    return at + 1;
  }

  /** Skips the rest of a line that starts with ";". */
  #readComment(piece: Uint8Array, start: number): number {
    const end = this.#lineEnds.find(piece, start);
    if (end === undefined) return piece.length;
    this.#line++;
    this.#lastByte = NEWLINE;
    this.#state = this.#record === 0 ? 'start' : 'letters';
    return end + 1;
  }

  #startPadding(error: DataError): void {
    this.#paddingError = error;
    this.#state = 'padding';
  }

  #readPadding(piece: Uint8Array, start: number): number {
    for (let at = start; at < piece.length; at++)
      if (!PADDING.includes(piece[at]!) && !isSpaceByte(piece[at]!)) throw this.#paddingError!;
    this.#paddingBytes += piece.length - start;
    if (this.#paddingBytes > MAX_PADDING_BYTES) throw this.#paddingError!;
    return piece.length;
  }

  /** Reads a header and keeps its first word, the id, and the rest where descriptions are read. */
  #readHeader(piece: Uint8Array, start: number): number {
    const lineEnd = this.#lineEnds.find(piece, start);
    const end = lineEnd ?? piece.length;
    const isRest = this.#idDone;
    let at = start;
    for (; at < end && !this.#idDone; at++) {
      const byte = piece[at]!;
      if (!isSpaceByte(byte) && byte !== HEADER_SEPARATOR) this.#addIdByte(byte);
      else if (this.#ids.currentBytes > 0) this.#idDone = true;
    }
    this.#headerBytes += end - start;
    if (this.#headerBytes > MAX_HEADER_BYTES) throw this.#bad(messages.headerTooLong);
    // Copied only where the header goes on in the next piece: the caller may use this one again. `slice` of a Buffer would share it.
    if (this.#limits.descriptions && this.#idDone) {
      const rest = piece.subarray(isRest ? start : at - 1, end);
      this.#rest.push(lineEnd === undefined ? new Uint8Array(rest) : rest);
    }
    if (lineEnd === undefined) return end;
    this.#endHeader();
    this.#line++;
    this.#lastByte = NEWLINE;
    return lineEnd + 1;
  }

  #endHeader(): void {
    const id = this.#ids.current;
    if (id.length === 0) throw messages.headerWithoutId(this.#name, this.#record, this.#line);
    if (!isUtf8(id)) throw this.#bad(messages.idNotUtf8);
    const control = findControl(id);
    if (control >= 0) throw this.#bad(messages.controlInId(control));
    if (this.#limits.descriptions) {
      this.#description = cleanDescription(this.#rest.length === 1 ? this.#rest[0]! : Buffer.concat(this.#rest));
      this.#rest = [];
    }
    this.#letterCount = 0;
    this.#state = 'letters';
  }

  #endRecord(): void {
    const isKept = this.#limits.trailingStop === 'keep';
    const length = isKept ? this.#letterCount : lengthWithoutStop(this.#letters, this.#letterCount);
    if (length === 0) {
      this.#skipRecord();
      return;
    }
    if (length > MAX_SEQUENCE_LETTERS) throw this.#bad(messages.sequenceTooLong);
    this.#sequences.push(this.#letters.toString('latin1', 0, length));
    this.#ids.endCurrent();
    this.#residues += length;
    if (this.#limits.descriptions) this.#descriptions.add(this.#description);
  }

  /** Skips a record of a stop alone. @throws DataError for a record without a sequence, which may be incomplete */
  #skipRecord(): void {
    const { onSkipped } = this.#limits;
    if (this.#letterCount === 0 || !onSkipped) throw this.#bad(messages.sequenceEmpty);
    onSkipped({ file: this.#name, record: this.#record, id: Buffer.from(this.#ids.current).toString() });
    this.#ids.clearCurrent();
    if (this.#sequences.length > 0) this.#skippedAfter = true;
    else this.#taken++;
  }

  #addIdByte(byte: number): void {
    if (this.#ids.currentBytes === MAX_ID_BYTES) throw this.#bad(messages.idTooLong);
    this.#ids.addByte(byte);
  }

  /** Grows the buffer of the sequence. */
  #reserveLetters(more: number): Uint8Array {
    const needed = this.#letterCount + more;
    if (this.#letterCount > MAX_SEQUENCE_LETTERS) throw this.#bad(messages.sequenceTooLong);
    if (needed > this.#letters.length) this.#letters = Buffer.from(grow(this.#letters, needed).buffer);
    return this.#letters;
  }

  #badLetter(piece: Uint8Array, at: number): DataError {
    return this.#bad(messages.badLetter(piece[at]!, this.#letterCount + 1, this.#line));
  }

  #bad(problem: string): DataError {
    return messages.badRecord(`${this.#name}: record ${this.#record} (${quoteId(this.#ids.current)})`, problem);
  }
}

/** Finds the first control character (C0, DEL or C1) of UTF-8 text; -1 if there is none. */
function findControl(text: Uint8Array): number {
  for (let at = 0; at < text.length; at++) {
    const byte = text[at]!;
    if (byte < 0x20 || byte === 0x7f) return byte;
    // UTF-8 encodes U+0080 to U+009F as 0xc2 and the byte itself.
    if (byte === 0xc2 && text[at + 1]! < 0xa0) return text[at + 1]!;
  }
  return -1;
}
