/**
 * Characters that control a terminal or a browser instead of being displayed: C0 and C1 controls, DEL, directional formatting, and
 * line separators. Line breaks and tabs are kept.
 */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are escaped
const CONTROLS = /[\0-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;

/** Escapes control characters, as `\x1b` or `\u202e`, so that a text is safe on a terminal. */
export function printable(text: string): string {
  return text.replace(CONTROLS, (character) => {
    const code = character.charCodeAt(0).toString(16);
    return code.length > 2 ? `\\u${code.padStart(4, '0')}` : `\\x${code.padStart(2, '0')}`;
  });
}

/**
 * Serializes an object as `printableJson` does, in pieces: a list of a hundred megabytes is never one text.
 * @returns pieces that together are the line
 */
export function* printableJsonPieces(record: object): Generator<string, void, undefined> {
  let separator = '{';
  for (const [key, value] of Object.entries(record) as [string, unknown][]) {
    if (value === undefined) continue;
    yield `${separator}${printableJson(key)}:`;
    separator = ',';
    if (Array.isArray(value) && value.length > 0) {
      for (const [i, item] of value.entries()) yield `${i === 0 ? '[' : ','}${printableJson(item ?? null)}`;
      yield ']';
    } else if (isPlainObject(value)) yield* printableJsonPieces(value);
    else yield printableJson(value);
  }
  yield separator === '{' ? '{}' : '}';
}

/** Returns whether JSON has the fields of an object as they are: a date, for example, becomes a text. */
function isPlainObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}

/** Joins pieces into texts of at least `length` characters, and the rest. */
export function* joinPieces(pieces: Iterable<string>, length: number): Generator<string, void, undefined> {
  let joined = '';
  for (const piece of pieces) {
    joined += piece;
    if (joined.length < length) continue;
    yield joined;
    joined = '';
  }
  if (joined !== '') yield joined;
}

/** Serializes to one line of JSON that is safe on a terminal. */
export function printableJson(value: unknown): string {
  // JSON.stringify escapes C0; other controls can only occur inside strings.
  return JSON.stringify(value).replace(
    CONTROLS,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
