import { EXIT, systemErrorCode, toUserError, type UserError, userErrorOf } from '../../base/errors.ts';
import { isRecord, parseJson } from '../../base/text/document.ts';
import { MOST_MESSAGE } from './ask-event.ts';
import { LAMBDA_MESSAGES } from './lambda-messages.ts';
import { AskAgainError, EXIT_CODES } from './question-errors.ts';

/** Parameters of the template with the disks of functions. */
const DISKS: Readonly<Record<string, string>> = {
  embed: 'EmbedDiskMb',
  'search-bucket': 'SearchDiskMb',
  aggregate: 'AggregateDiskMb',
};

/**
 * Turns what a handler has thrown into the error that its function reports.
 * @param step name of the function
 * @param what the bucket, or the function, for messages
 */
export function reportedError(thrown: unknown, step: string, what: string): unknown {
  const parameter = DISKS[step];
  // The same call would fill the disk again.
  if (parameter !== undefined && isDiskFull(thrown))
    return new AskAgainError(LAMBDA_MESSAGES.diskFull(what, parameter), { cause: thrown });
  return toUserError(thrown);
}

function isDiskFull(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return (
    systemErrorCode(error) === 'ENOSPC' || /No space left on device/.test(error.message) || isDiskFull(error.cause)
  );
}

/** Shortens an error for its report: Step Functions passes the errors of all buckets on, within MOST_EVENT_BYTES. */
export function shortened(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  if (error.message.length > MOST_MESSAGE) error.message = `${error.message.slice(0, MOST_MESSAGE - 3)}...`;
  // The log has it.
  error.stack = '';
  return error;
}

/**
 * Turns an error that Step Functions reports into that of the handler.
 * @param error its name: "DataError", "Lambda.TooManyRequestsException", "States.Timeout"
 * @param cause a handler's error as JSON, or a text of the service
 */
export function toHandlerError(error: string, cause: string): UserError {
  const reported = parseJson(cause);
  const message = isRecord(reported) && typeof reported.errorMessage === 'string' ? reported.errorMessage : cause;
  const exitCode = EXIT_CODES[error];
  if (exitCode !== undefined) return userErrorOf(exitCode, message);
  // Out of memory, or killed: there is no message of a handler.
  if (/^(Runtime\.|Lambda\.Unknown|Sandbox\.|States\.Timeout)/.test(error))
    return new AskAgainError(LAMBDA_MESSAGES.ended(`${error}: ${message}`.slice(0, 300)));
  if (/^(Lambda|States)\./.test(error)) return new AskAgainError(`${error}: ${message}`.slice(0, 500));
  return userErrorOf(EXIT.bug, `${error}: ${message}`);
}
