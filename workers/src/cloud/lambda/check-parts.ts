import { DataError, type UserError, userErrorOf } from '../../base/errors.ts';
import type { AggregateEvent, PartFailure, PartSummary } from './ask-event.ts';
import { toHandlerError } from './handler-errors.ts';
import { LAMBDA_MESSAGES } from './lambda-messages.ts';
import { AskAgainError } from './question-errors.ts';

/** The answers to merge, and the buckets without one. */
export interface CheckedParts {
  parts: PartSummary[];
  /** Empty, unless the question allows a partial answer. */
  failed: Array<{ bucket: string; error: UserError }>;
}

/**
 * Checks that every planned bucket has one answer, of the planned table.
 * @throws the error of the first bucket that failed, which names it, unless a partial answer is allowed and another bucket answered
 */
export function checkParts({ buckets, parts: all, allowPartial }: AggregateEvent): CheckedParts {
  const parts: PartSummary[] = [];
  const failed: CheckedParts['failed'] = [];
  const byBucket = Map.groupBy<string, PartSummary | PartFailure>(all, ({ bucket }) => bucket);
  for (const { name, fingerprint } of buckets) {
    const [part, another] = byBucket.get(name) ?? [];
    if (!part) throw new AskAgainError(LAMBDA_MESSAGES.noPart(name));
    if (another) throw new DataError(LAMBDA_MESSAGES.extraPart(name));
    byBucket.delete(name);
    if ('failure' in part) failed.push({ bucket: name, error: errorOf(part) });
    else if (part.fingerprint !== fingerprint) throw new AskAgainError(LAMBDA_MESSAGES.rebuilt(name));
    else parts.push(part);
  }
  for (const extra of byBucket.keys()) throw new DataError(LAMBDA_MESSAGES.extraPart(extra));
  const [first] = failed;
  if (first && !allowPartial)
    throw withMessage(first.error, LAMBDA_MESSAGES.otherFailures(first.error.message, failed.length - 1));
  if (first && parts.length === 0)
    throw withMessage(first.error, LAMBDA_MESSAGES.noAnswer(failed.length, first.error.message));
  return { parts, failed };
}

function errorOf({ bucket, failure: { Error: error, Cause } }: PartFailure): UserError {
  const reported = toHandlerError(error, Cause);
  return withMessage(reported, LAMBDA_MESSAGES.failedBucket(bucket, reported.message));
}

/** The state machine would repeat the merge, but not the search, after a TransientError. */
function withMessage(error: UserError, message: string): UserError {
  const changed = userErrorOf(error.exitCode, message, { cause: error });
  return changed.name === 'TransientError' ? new AskAgainError(message, { cause: error }) : changed;
}
