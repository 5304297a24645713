import { UsageError } from '../../base/errors.ts';
import { quoteValue } from '../../base/text/quote.ts';
import { notABucketName } from '../database-messages.ts';
import rule from './bucket-name.json' with { type: 'json' };

/**
 * Letters, digits, `_`, `-` and inner dots: safe as a table name, a file name and an object key. lib/DatabaseUri.groovy reads the same
 * file, so the pattern uses only syntax that JavaScript and Java share.
 */
const BUCKET_NAME = new RegExp(`^(?:${rule.pattern})$`);

/** Returns whether a text is a valid bucket name. */
export function isBucketName(name: string): boolean {
  return BUCKET_NAME.test(name);
}

/**
 * Checks a name that becomes part of paths: it must not leave the database's folder.
 * @param failure creates the error; by default a UsageError
 */
export function checkBucketName(
  name: string,
  failure: (message: string) => Error = (message) => new UsageError(message),
): string {
  if (isBucketName(name)) return name;
  throw failure(notABucketName(quoteValue(name)));
}

/** Returns bucket_00001 for 1. */
export function bucketName(number: number): string {
  return `bucket_${String(number).padStart(5, '0')}`;
}

/** Returns 1 for bucket_00001; 0 for names of another form. */
export function bucketNumber(name: string): number {
  return Number(/^bucket_(\d+)$/.exec(name)?.[1] ?? 0);
}
