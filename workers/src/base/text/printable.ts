/**
 * Characters that a terminal or a browser obeys instead of showing: C0 and C1 controls, DEL, and those that turn the direction of
 * text or begin a line. Line breaks and tabs of messages stay.
 */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const OBEYED = /[\0-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;

/** A text as a terminal may show it: `\x1b`, `\u202e` instead of characters that it would obey. */
export function printable(text: string): string {
  return text.replace(OBEYED, (character) => {
    const code = character.charCodeAt(0).toString(16);
    return code.length > 2 ? `\\u${code.padStart(4, '0')}` : `\\x${code.padStart(2, '0')}`;
  });
}

/** One line of JSON that a terminal may show; it is read as the same value. */
export function printableJson(value: unknown): string {
  // JSON.stringify escapes C0; what is left can only be inside strings.
  return JSON.stringify(value).replace(
    OBEYED,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
