const MOST_LETTERS = 80;

/** A value of a document as a message quotes it: JSON, and not longer than a line. */
export function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? 'undefined';
  const letters = [...text.slice(0, 2 * MOST_LETTERS + 2)];
  return letters.length > MOST_LETTERS ? `${letters.slice(0, MOST_LETTERS).join('')}...` : text;
}
