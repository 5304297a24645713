const MAX_CHARACTERS = 80;

/** Quotes a value in a message: as JSON, at most one line long. */
export function quoteValue(value: unknown): string {
  const text = JSON.stringify(value) ?? 'undefined';
  const characters = [...text.slice(0, 2 * MAX_CHARACTERS + 2)];
  return characters.length > MAX_CHARACTERS ? `${characters.slice(0, MAX_CHARACTERS).join('')}...` : text;
}

/** Quotes an id in a message: without control characters, at most one line long. */
export function quoteId(id: Uint8Array): string {
  // A character has at most four bytes in UTF-8.
  const characters = [...new TextDecoder().decode(id.subarray(0, 4 * MAX_CHARACTERS + 4))];
  const start = characters.slice(0, MAX_CHARACTERS).join('');
  return JSON.stringify(characters.length > MAX_CHARACTERS ? `${start}...` : start);
}

/** Quotes a word of a command line for a shell, where it needs quotes. */
export function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
