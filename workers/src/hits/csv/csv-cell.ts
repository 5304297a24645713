const COMMA = 0x2c;
const QUOTE = 0x22;
const NEWLINE = 0x0a;
const RETURN = 0x0d;
const TAB = 0x09;
const SEMICOLON = 0x3b;
const SPACE = 0x20;
const APOSTROPHE = 0x27;
/** A spreadsheet evaluates a cell that begins with one of these. */
const FORMULA_STARTS = new Set(Buffer.from('=+-@'));
const ID_STARTS = new Set([...FORMULA_STARTS, TAB, RETURN]);

/** Writes bytes[start .. end) as a field of CSV, quoted where that is necessary, and where it is empty. @returns its end in `buffer` */
export function putCell(buffer: Uint8Array, at: number, bytes: Uint8Array, start: number, end: number): number {
  let plain = end > start;
  for (let i = start; i < end; i++) {
    const byte = bytes[i]!;
    buffer[at + i - start] = byte;
    if (byte === COMMA || byte === QUOTE || byte === NEWLINE || byte === RETURN) plain = false;
  }
  return plain ? at + end - start : putQuoted(buffer, at, bytes.subarray(start, end));
}

/** Writes an id that no spreadsheet evaluates: after an apostrophe, which spreadsheets hide, they treat a cell as text. */
export function putSpreadsheetId(
  buffer: Uint8Array,
  at: number,
  bytes: Uint8Array,
  start: number,
  end: number,
): number {
  if (end === start || !ID_STARTS.has(bytes[start]!)) return putCell(buffer, at, bytes, start, end);
  const cell = Uint8Array.of(APOSTROPHE, ...bytes.subarray(start, end));
  return putCell(buffer, at, cell, 0, cell.length);
}

/**
 * Writes text of unknown origin so that no spreadsheet evaluates a part of it: an apostrophe is put before = + - @ where a cell can begin,
 * which is at the start, and after a semicolon, a tab or a line break, at which spreadsheets of some countries divide lines.
 */
export function putSafeText(buffer: Uint8Array, at: number, bytes: Uint8Array, start: number, end: number): number {
  const safe: number[] = [];
  let copied = start;
  let isCellStart = true;
  for (let i = start; i < end; i++) {
    const byte = bytes[i]!;
    if (isCellStart && FORMULA_STARTS.has(byte)) {
      for (; copied < i; copied++) safe.push(bytes[copied]!);
      safe.push(APOSTROPHE);
    }
    // Spaces before a formula do not count.
    if (byte !== SPACE) isCellStart = byte === SEMICOLON || byte === TAB || byte === NEWLINE || byte === RETURN;
  }
  if (safe.length === 0) return putCell(buffer, at, bytes, start, end);
  for (; copied < end; copied++) safe.push(bytes[copied]!);
  return putCell(buffer, at, Uint8Array.from(safe), 0, safe.length);
}

function putQuoted(buffer: Uint8Array, start: number, text: Uint8Array): number {
  let at = start;
  buffer[at++] = QUOTE;
  for (const byte of text) {
    if (byte === QUOTE) buffer[at++] = QUOTE;
    buffer[at++] = byte;
  }
  buffer[at++] = QUOTE;
  return at;
}
