import * as z from 'zod/mini';
import { CRC64, hasChecksum, isChecksum } from '../bytes/checksum.ts';
import { DataError } from '../errors.ts';
import { parseJsonText } from './json-text.ts';

/**
 * Documents are JSON with a schema, from a file, from S3 or from another program. Each schema is defined beside its type; this file has
 * the parts that schemas share, and describes wrong fields for messages.
 */

export type JsonRecord = Record<string, unknown>;

/** Parses JSON. @returns undefined if the text is not JSON */
export function parseJson(text: string): unknown {
  try {
    return parseJsonText(text);
  } catch {
    return undefined;
  }
}

export function isRecord(value: unknown): value is JsonRecord {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** An integer of at least `min` that a double represents exactly. */
export function wholeNumber(min: number) {
  const expected = `a whole number from ${min}`;
  return z.int(expected).check(z.gte(min, expected));
}

/** A count or a position. */
export const COUNT = wholeNumber(0);
/** A size that cannot be 0. */
export const SIZE = wholeNumber(1);
/** A time or a rate. */
export const AMOUNT = z.number('a number from 0').check(z.gte(0, 'a number from 0'));
export const FRACTION = z
  .number('a number from 0 to 1')
  .check(z.gte(0, 'a number from 0 to 1'), z.lte(1, 'a number from 0 to 1'));
export const TEXT = z.string('a text').check(z.minLength(1, 'a text that is not empty'));
/** A relative path that stays inside its folder. */
export const INNER_PATH = textWhere(
  (path) => path !== '' && !path.startsWith('/') && !/(^|[\\/])\.\.([\\/]|$)/.test(path),
  'a path inside the folder',
);
/** Attributes of a shard, whose type is in shard/shard.ts: the thread that reads shards does not load this library. */
export const ATTRIBUTES = z.record(z.string(), z.union([z.string(), z.number()], 'a text or a number'));
export const CHECKSUM = textWhere(isChecksum, 'a checksum such as crc64nvme:0123456789abcdef');

/** An object without other fields than these: a field whose name is misspelt must not be ignored. */
export function onlyFields<const S extends z.core.$ZodShape>(shape: S) {
  return z.strictObject(shape, 'an object');
}

/** A string that satisfies `isValid`. @param expected its description, for messages */
export function textWhere(isValid: (text: string) => boolean, expected: string) {
  return z.string(expected).check(z.refine(isValid, expected));
}

export function choice<const T extends readonly string[]>(values: T) {
  return z.enum(values, `one of ${values.join(', ')}`);
}

/**
 * Checks parsed JSON against its schema.
 * @returns the fields of the schema; others are dropped
 * @throws the error that `fail` creates for the problem, such as `"files[3].bytes" is null; it must be a whole number from 0`
 */
export function checkDocument<S extends z.ZodMiniType>(
  schema: S,
  value: unknown,
  fail: (problem: string) => Error,
): z.output<S> {
  const { success, data, error } = z.safeParse(schema, value);
  if (success) return data;
  const [{ path, message, code, ...issue }] = error.issues as [z.core.$ZodIssue];
  if (code === 'unrecognized_keys' && 'keys' in issue)
    throw fail(`${formatField([...path, issue.keys[0]!])} is unknown; remove it, or correct its name`);
  const kind = code === 'invalid_type' && 'expected' in issue ? EXPECTED[issue.expected as string] : undefined;
  throw fail(`${formatField(path)} ${describeValue(valueAt(value, path))}; it must be ${kind ?? message}`);
}

/** Descriptions of types for which the schema has no message. */
const EXPECTED: Record<string, string> = { object: 'an object', record: 'an object', array: 'a list' };

/** Formats a path of keys as `"files[3].bytes"`. */
function formatField(path: readonly PropertyKey[]): string {
  if (path.length === 0) return 'the document';
  const text = path.map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`)).join('');
  return JSON.stringify(text.replace(/^\./, ''));
}

const MAX_VALUE_LENGTH = 60;

function describeValue(value: unknown): string {
  if (value === undefined) return 'is missing';
  const text = JSON.stringify(value);
  return `is ${text.length > MAX_VALUE_LENGTH ? `${text.slice(0, MAX_VALUE_LENGTH)}...` : text}`;
}

function valueAt(root: unknown, path: readonly PropertyKey[]): unknown {
  let value = root;
  for (const part of path) value = (value as Record<PropertyKey, unknown> | undefined)?.[part];
  return value;
}

/**
 * Parses a document and checks the properties common to all documents: an object whose version is 1.
 * @param where the file, for messages
 * @param what the kind of document, for messages
 * @param fail creates the error for a damaged document
 * @throws DataError if a newer version of LanceFlow wrote the document
 */
export function parseVersion1(text: string, where: string, what: string, fail: (problem: string) => Error): JsonRecord {
  const record = parseJson(text);
  if (!isRecord(record)) throw fail('not a JSON object');
  const { version } = record;
  if (typeof version === 'number' && Number.isSafeInteger(version) && version > 1)
    throw new DataError(`${where}: version ${version} of the ${what} needs a newer LanceFlow.`);
  if (version !== 1) throw fail(`"version" ${describeValue(version)}; it must be 1`);
  return record;
}

/** Serializes a document with a checksum of its content. */
export function sealedText(document: object): string {
  return `${JSON.stringify({ ...document, checksum: checksumOf(document) }, null, 2)}\n`;
}

/** Checks a document against its checksum. Documents of earlier versions have none. */
export function checkSeal({ checksum, ...document }: JsonRecord, fail: (problem: string) => Error): void {
  if (checksum === undefined) return;
  checkDocument(CHECKSUM, checksum, () => fail(`"checksum" ${describeValue(checksum)}; it must be a checksum`));
  if (!hasChecksum(encode(document), checksum as string))
    throw fail('its content does not match its "checksum": it was changed after it was written');
}

/** Parses the output of `sealedText`. @throws the error of `fail` for any other text */
export function parseSealed(text: string, fail: (problem: string) => Error): JsonRecord {
  const record = parseJson(text);
  if (!isRecord(record)) throw fail('not a JSON object');
  const { checksum, ...document } = record;
  if (checksum === undefined) throw fail('"checksum" is missing');
  checkSeal(record, fail);
  return document;
}

function checksumOf(document: object): string {
  return CRC64.format(CRC64.of(encode(document)));
}

function encode(document: object): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(document));
}
