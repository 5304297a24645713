import * as z from 'zod/mini';
import { CRC64, hasChecksum, isChecksum } from '../bytes/checksum.ts';
import { DataError } from '../errors.ts';
import { parseJsonText } from './json-text.ts';

/**
 * Documents: JSON of a fixed form that comes from a file, from S3 or from another program. Each has a schema beside its type; here
 * is what their schemas share, and how a wrong field is told.
 */

export type JsonRecord = Record<string, unknown>;

/** The value, or undefined where the text is not JSON. */
export function parseJson(text: string): unknown {
  try {
    return parseJsonText(text);
  } catch {
    // A text that is not JSON is an answer, which the caller knows how to take.
    return undefined;
  }
}

export function isRecord(value: unknown): value is JsonRecord {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A whole number, of at least `least`, that a double holds exactly. */
export function wholeNumber(least: number) {
  const expected = `a whole number from ${least}`;
  return z.int(expected).check(z.gte(least, expected));
}

/** A number of things, or a position. */
export const COUNT = wholeNumber(0);
/** A size that cannot be 0. */
export const SIZE = wholeNumber(1);
/** A time or a rate. */
export const AMOUNT = z.number('a number from 0').check(z.gte(0, 'a number from 0'));
/** A part of a whole. */
export const SHARE = z
  .number('a number from 0 to 1')
  .check(z.gte(0, 'a number from 0 to 1'), z.lte(1, 'a number from 0 to 1'));
export const TEXT = z.string('a text').check(z.minLength(1, 'a text that is not empty'));
/** A path of a file inside some folder: relative, and not out of it. */
export const INNER_PATH = textThat(
  (path) => path !== '' && !path.startsWith('/') && !/(^|[\\/])\.\.([\\/]|$)/.test(path),
  'a path inside the folder',
);
/** Attributes of a shard: see shard/shard.ts, which the thread that reads shards imports without this library. */
export const ATTRIBUTES = z.record(z.string(), z.union([z.string(), z.number()], 'a text or a number'));
export const CHECKSUM = textThat(isChecksum, 'a checksum such as crc64nvme:0123456789abcdef');

/** @param expected what it must be, for messages */
export function textThat(fits: (text: string) => boolean, expected: string) {
  return z.string(expected).check(z.refine(fits, expected));
}

export function choice<const T extends readonly string[]>(values: T) {
  return z.enum(values, `one of ${values.join(', ')}`);
}

/**
 * Checks a value that came out of JSON against its schema.
 * @returns what the schema has of it; other fields are left out
 * @throws what `fail` makes of the problem, such as `"files[3].bytes" is null; it must be a whole number from 0`
 */
export function checkDocument<S extends z.ZodMiniType>(
  schema: S,
  value: unknown,
  fail: (problem: string) => Error,
): z.output<S> {
  const { success, data, error } = z.safeParse(schema, value);
  if (success) return data;
  const [{ path, message, code, ...issue }] = error.issues as [z.core.$ZodIssue];
  const kind = code === 'invalid_type' && 'expected' in issue ? EXPECTED[issue.expected as string] : undefined;
  throw fail(`${showField(path)} ${showValue(valueAt(value, path))}; it must be ${kind ?? message}`);
}

/** Says of types without a message of their own what they are. */
const EXPECTED: Record<string, string> = { object: 'an object', record: 'an object', array: 'a list' };

/** `"files[3].bytes"` */
export function showField(path: readonly PropertyKey[]): string {
  if (path.length === 0) return 'the document';
  const text = path.map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`)).join('');
  return JSON.stringify(text.replace(/^\./, ''));
}

const MOST_SHOWN = 60;

function showValue(value: unknown): string {
  if (value === undefined) return 'is missing';
  const text = JSON.stringify(value);
  return `is ${text.length > MOST_SHOWN ? `${text.slice(0, MOST_SHOWN)}...` : text}`;
}

function valueAt(root: unknown, path: readonly PropertyKey[]): unknown {
  let value = root;
  for (const part of path) value = (value as Record<PropertyKey, unknown> | undefined)?.[part];
  return value;
}

/**
 * Parses a document's text as far as all have it: an object of version 1.
 * @param where the file, for messages @param what its kind @param fail makes the error for one that is damaged
 */
export function parseVersion1(text: string, where: string, what: string, fail: (problem: string) => Error): JsonRecord {
  const record = parseJson(text);
  if (!isRecord(record)) throw fail('not a JSON object');
  const { version } = record;
  if (typeof version === 'number' && Number.isSafeInteger(version) && version > 1)
    throw new DataError(`${where}: version ${version} of the ${what} needs a newer LanceFlow.`);
  if (version !== 1) throw fail(`"version" ${showValue(version)}; it must be 1`);
  return record;
}

/** The text of a document, with a checksum of all that it says. */
export function sealedText(document: object): string {
  return `${JSON.stringify({ ...document, checksum: checksumOf(document) }, null, 2)}\n`;
}

/** Checks a document against its own checksum, which those of earlier versions do not have. */
export function checkSeal({ checksum, ...document }: JsonRecord, fail: (problem: string) => Error): void {
  if (checksum === undefined) return;
  checkDocument(CHECKSUM, checksum, () => fail(`"checksum" ${showValue(checksum)}; it must be a checksum`));
  if (!hasChecksum(encoded(document), checksum as string))
    throw fail('its content is not what its "checksum" says: it was changed after it was written');
}

/** Parses what `sealedText` wrote. @throws what `fail` makes of a text that is anything else */
export function unsealed(text: string, fail: (problem: string) => Error): JsonRecord {
  const record = parseJson(text);
  if (!isRecord(record)) throw fail('not a JSON object');
  const { checksum, ...document } = record;
  if (checksum === undefined) throw fail('"checksum" is missing');
  checkSeal(record, fail);
  return document;
}

function checksumOf(document: object): string {
  return CRC64.format(CRC64.of(encoded(document)));
}

function encoded(document: object): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(document));
}
