import { isUtf8 } from 'node:buffer';
import { columnFromBytes, type Utf8Column } from '../base/bytes/utf8-column.ts';
import { isSpaceByte } from './sequence.ts';

const CONTROLS = /\p{Cc}+/gu;

/**
 * Returns the description of a header, what follows its id, as UTF-8 without control characters and spaces around it. Text that is not UTF-8
 * is read as Latin-1. Between the headers of identical proteins, NCBI writes ^A, which becomes " >", as its tools show it.
 */
export function cleanDescription(header: Uint8Array): Uint8Array {
  let [start, end] = [0, header.length];
  while (start < end && isSpaceByte(header[start]!)) start++;
  while (end > start && isSpaceByte(header[end - 1]!)) end--;
  const bytes = header.subarray(start, end);
  const isPlain = isUtf8(bytes) && !bytes.some((byte) => byte < 0x20 || byte === 0x7f || byte === 0xc2);
  // A copy: the caller may use these bytes again. `slice` of a Buffer would share them.
  if (isPlain) return new Uint8Array(bytes);
  const text = Buffer.from(bytes).toString(isUtf8(bytes) ? 'utf8' : 'latin1');
  return Buffer.from(text.replaceAll('\u0001', ' >').replaceAll(CONTROLS, ' ').trim());
}

/** Collects the descriptions of a batch. */
export class DescriptionList {
  #texts: Uint8Array[] = [];
  bytes = 0;

  add(text: Uint8Array): void {
    this.#texts.push(text);
    this.bytes += text.length;
  }

  /** Empties the list. @returns its descriptions */
  take(): Utf8Column {
    const column = columnFromBytes(this.#texts);
    this.#texts = [];
    this.bytes = 0;
    return column;
  }
}
