import { DataError, EXIT, TransientError, UsageError, UserError } from '../../base/errors.ts';

/** A fault that the same call does not get over, but a new question may. The state machine retries TransientError only. */
export class AskAgainError extends TransientError {}

/**
 * Errors of who asks. Functions count them as `WrongQuestions`, all others as `Failures`: a wrong question says nothing about the stack, and
 * must not undo the deployment of a new version.
 *
 * The settings of a question are wrong, or it needs more than the stack has.
 */
export class WrongQuestionError extends UsageError {}

/** The sequences or vectors of a question are wrong, or it names buckets that do not exist. */
export class WrongQueriesError extends DataError {}

/** The queries that a question names are not there any more. */
export class ExpiredQueriesError extends AskAgainError {}

/** Runs a check that depends on the question alone: UsageError and DataError of it are errors of who asks. */
export async function checkQuestion<T>(check: () => T | Promise<T>): Promise<T> {
  try {
    return await check();
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    const cause = { cause: error };
    if (error.exitCode === EXIT.usage) throw new WrongQuestionError(error.message, cause);
    if (error.exitCode === EXIT.data) throw new WrongQueriesError(error.message, cause);
    throw error;
  }
}

/** Returns whether an error is one of who asks. */
export function isWrongQuestion(error: unknown): boolean {
  return [WrongQuestionError, WrongQueriesError, ExpiredQueriesError].some((kind) => error instanceof kind);
}

/** Exit codes by the names under which Lambda reports the errors of handlers. */
export const EXIT_CODES: Readonly<Record<string, number>> = {
  [UsageError.name]: EXIT.usage,
  [WrongQuestionError.name]: EXIT.usage,
  [DataError.name]: EXIT.data,
  [WrongQueriesError.name]: EXIT.data,
  [TransientError.name]: EXIT.transient,
  [AskAgainError.name]: EXIT.transient,
  [ExpiredQueriesError.name]: EXIT.transient,
};
