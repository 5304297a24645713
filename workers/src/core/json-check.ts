/** Checks of values that came out of JSON, where nothing is known of their types. */

import { parseJsonText } from './json-text.ts';

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

/** A whole number from 0 that a double holds exactly. */
export function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** A path of a file inside some folder: relative, and not out of it. */
export function isInnerPath(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && !value.startsWith('/') && !/(^|[\\/])\.\.([\\/]|$)/.test(value);
}

/** Rows of a shard: `path`, `contentHash`, and `start` before `end`. */
export function isSource(value: unknown): value is { path: string; contentHash: string; start: number; end: number } {
  return (
    isRecord(value) &&
    typeof value.path === 'string' &&
    typeof value.contentHash === 'string' &&
    isCount(value.start) &&
    isCount(value.end) &&
    value.start < value.end
  );
}
