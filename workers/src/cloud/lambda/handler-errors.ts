import { DataError, EXIT, TransientError, UsageError, type UserError, userErrorOf } from '../../base/errors.ts';
import { isRecord, parseJson } from '../../base/text/document.ts';
import { LAMBDA_MESSAGES } from './lambda-messages.ts';

/** A fault that the same call does not get over, but a new question may. The state machine retries TransientError only. */
export class AskAgainError extends TransientError {}

/** Exit codes by the names under which Lambda reports the errors of handlers. */
const CODES: Readonly<Record<string, number>> = {
  [UsageError.name]: EXIT.usage,
  [DataError.name]: EXIT.data,
  [TransientError.name]: EXIT.transient,
  [AskAgainError.name]: EXIT.transient,
};

/**
 * Turns an error that Step Functions reports into that of the handler.
 * @param error its name: "DataError", "Lambda.TooManyRequestsException", "States.Timeout"
 * @param cause a handler's error as JSON, or a text of the service
 */
export function toHandlerError(error: string, cause: string): UserError {
  const reported = parseJson(cause);
  const message = isRecord(reported) && typeof reported.errorMessage === 'string' ? reported.errorMessage : cause;
  const exitCode = CODES[error];
  if (exitCode !== undefined) return userErrorOf(exitCode, message);
  // Out of memory, or killed: there is no message of a handler.
  if (/^(Runtime\.|Lambda\.Unknown|Sandbox\.|States\.Timeout)/.test(error))
    return new AskAgainError(LAMBDA_MESSAGES.ended(`${error}: ${message}`.slice(0, 300)));
  if (/^(Lambda|States)\./.test(error)) return new AskAgainError(`${error}: ${message}`.slice(0, 500));
  return userErrorOf(EXIT.bug, `${error}: ${message}`);
}
