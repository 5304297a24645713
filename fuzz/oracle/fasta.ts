/** A plain reader of FASTA as docs/inputs.md defines it, to compare with the commands. */

export interface FastaRecord {
  id: string;
  sequence: string;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: U+0001 joins the headers of equal sequences
const BLANKS = /[ \t\r\v\f\n\x01]/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: no id has them
const CONTROL = /[\x00-\x1f\x7f-\x9f]/;

/** Comment lines, and padding after the last line. */
const COMMENT = /(^|\n);[^\n]*/g;
// biome-ignore lint/suspicious/noControlCharactersInRegex: NUL and ^Z
const PADDING = /[\x00\x1a][\x00\x1a \t\r\v\f\n]*$/;

/** @returns the records, or the reason of the refusal */
export function readFastaPlainly(bytes: Buffer): FastaRecord[] | Error {
  // Each byte is one letter, so that decoding loses nothing.
  const text = withNewlines(bytes.toString('latin1').replace(/^\xef\xbb\xbf/, ''))
    .replace(PADDING, '')
    .replace(COMMENT, '$1');
  const [before = '', ...parts] = `\n${text}`.split('\n>');
  if (/[^ \t\r\v\f\n]/.test(before)) return new Error('text before the first header');
  if (parts.length === 0) return new Error('no records');
  const seen = new Set<string>();
  const records: FastaRecord[] = [];
  for (const part of parts) {
    const end = part.indexOf('\n');
    const header = end < 0 ? part : part.slice(0, end);
    const id = header.split(BLANKS).find((word) => word !== '') ?? '';
    const letters = (end < 0 ? '' : part.slice(end + 1)).replaceAll(/[ \t\r\v\f\n]/g, '').toUpperCase();
    if (id === '') return new Error('a header without an id');
    if (!/^[A-Z*.-]*$/.test(letters)) return new Error('an invalid letter');
    const sequence = letters.replace(/\*$/, '');
    if (letters === '*') continue;
    if (sequence === '') return new Error('an empty sequence');
    const decoded = Buffer.from(id, 'latin1').toString();
    if (Buffer.from(decoded).toString('latin1') !== id) return new Error('an id that is not UTF-8');
    if (CONTROL.test(decoded)) return new Error('an id with a control character');
    if (seen.has(id)) return new Error('a duplicated id');
    seen.add(id);
    records.push({ id: decoded, sequence });
  }
  return records;
}

/** Replaces carriage returns by newlines if the first line ends with a carriage return alone, or a header follows one. */
function withNewlines(text: string): string {
  return /^\s*[^\r\n]*\r(?!\n)/.test(text) || /\r>/.test(text) ? text.replaceAll(/\r\n?/g, '\n') : text;
}
