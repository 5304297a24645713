import { UsageError } from '../base/errors.ts';
import { HIT_MESSAGES } from './hit-messages.ts';

/** A range of queries, ordered by id. */
export interface QueryRange {
  /** Position of the first. */
  first: number;
  /** Position after the last. */
  end: number;
}

/** Parses the value of --range: first:end. @throws UsageError for another text, and for an empty range */
export function parseQueryRange(text: string): QueryRange {
  const [, first, end] = /^(\d{1,12}):(\d{1,12})$/.exec(text) ?? [];
  if (first === undefined || Number(first) >= Number(end)) throw new UsageError(HIT_MESSAGES.wrongRange(text));
  return { first: Number(first), end: Number(end) };
}
