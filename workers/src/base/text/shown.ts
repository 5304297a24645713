const MOST_LETTERS = 80;
const SHOWN_ID_LETTERS = 80;

/** A value of a document as a message quotes it: JSON, and not longer than a line. */
export function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? 'undefined';
  const letters = [...text.slice(0, 2 * MOST_LETTERS + 2)];
  return letters.length > MOST_LETTERS ? `${letters.slice(0, MOST_LETTERS).join('')}...` : text;
}

/** An id as it is put into messages: quoted, without control characters, and not longer than a line. */
export function showId(id: Uint8Array): string {
  // A letter has at most four bytes in UTF-8.
  const letters = [...new TextDecoder().decode(id.subarray(0, 4 * SHOWN_ID_LETTERS + 4))];
  const shown = letters.slice(0, SHOWN_ID_LETTERS).join('');
  return JSON.stringify(letters.length > SHOWN_ID_LETTERS ? `${shown}...` : shown);
}
