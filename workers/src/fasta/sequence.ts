const SPACES = ' \t\r\v\f';

/** Classes of bytes other than letters, in LETTER_OF_BYTE. */
export const BYTE = { other: 0, space: 1, newline: 2 } as const;

/**
 * For each byte, the code of its letter (32 and more), or one of BYTE. Letters of a protein are A-Z (lower case is read as upper
 * case), `*` for a stop, and `-` and `.` for gaps of an alignment.
 */
export const LETTER_OF_BYTE: Uint8Array = letterTable();

/** The same where a carriage return alone ends a line. */
export const LETTER_WITH_RETURNS: Uint8Array = letterTable();
LETTER_WITH_RETURNS['\r'.charCodeAt(0)] = BYTE.newline;

const STAR = '*'.charCodeAt(0);

function letterTable(): Uint8Array {
  const table = new Uint8Array(256).fill(BYTE.other);
  for (const letter of 'ABCDEFGHIJKLMNOPQRSTUVWXYZ*-.') {
    const code = letter.charCodeAt(0);
    table[code] = code;
    table[letter.toLowerCase().charCodeAt(0)] = code;
  }
  for (const space of SPACES) table[space.charCodeAt(0)] = BYTE.space;
  table['\n'.charCodeAt(0)] = BYTE.newline;
  return table;
}

/** Returns whether a byte ends the id in a header. */
export function isSpaceByte(byte: number): boolean {
  return LETTER_OF_BYTE[byte] === BYTE.space || LETTER_OF_BYTE[byte] === BYTE.newline;
}

/** Treatment of a single trailing `*`, which only marks that the protein is complete. */
export const TRAILING_STOPS = ['drop', 'keep'] as const;
export type TrailingStop = (typeof TRAILING_STOPS)[number];

/** Returns the letter count without a trailing stop. @param letters codes from LETTER_OF_BYTE */
export function lengthWithoutStop(letters: Uint8Array, length: number): number {
  return length > 0 && letters[length - 1] === STAR ? length - 1 : length;
}
