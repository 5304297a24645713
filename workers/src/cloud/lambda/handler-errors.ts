import { EXIT, systemErrorCode, toUserError, type UserError, userErrorOf } from '../../base/errors.ts';
import { isRecord, parseJson } from '../../base/text/document.ts';
import { MOST_MESSAGE } from './ask-event.ts';
import { LAMBDA_MESSAGES } from './lambda-messages.ts';
import { AskAgainError, EXIT_CODES } from './question-errors.ts';

/** Parameters of the template begin with these names: EmbedDiskMb, SearchMemoryMb. The sizes of plan are fixed. */
const FUNCTIONS: Readonly<Record<string, string>> = {
  embed: 'Embed',
  'search-bucket': 'Search',
  aggregate: 'Aggregate',
};

/**
 * Turns what a handler has thrown into the error that its function reports.
 * @param step name of the function
 * @param what the bucket, or the function, for messages
 */
export function reportedError(thrown: unknown, step: string, what: string): unknown {
  const name = FUNCTIONS[step];
  const cause = { cause: thrown };
  // The same call would fill the disk or the memory again.
  if (name !== undefined && hasCause(thrown, 'ENOSPC', /No space left on device/))
    return new AskAgainError(LAMBDA_MESSAGES.diskFull(what, `${name}DiskMb`), cause);
  if (name !== undefined && hasCause(thrown, 'ENOMEM', /Array buffer allocation failed|Cannot allocate memory/))
    return new AskAgainError(LAMBDA_MESSAGES.memoryFull(what, `${name}MemoryMb`), cause);
  return toUserError(thrown);
}

/** Returns whether an error, or one that caused it, has a code or a text. */
function hasCause(error: unknown, code: string, text: RegExp): boolean {
  if (!(error instanceof Error)) return false;
  return systemErrorCode(error) === code || text.test(error.message) || hasCause(error.cause, code, text);
}

/** Shortens an error for its report: Step Functions passes the errors of all buckets on, within MOST_EVENT_BYTES. */
export function shortened(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  if (error.message.length > MOST_MESSAGE) error.message = `${error.message.slice(0, MOST_MESSAGE - 3)}...`;
  // The log has it.
  error.stack = '';
  return error;
}

/** Returns whether an error, as Step Functions names it, is the end of a function that reported none. */
export function isKilled(error: string): boolean {
  return /^(Runtime\.|Lambda\.Unknown|Sandbox\.|States\.(Heartbeat)?Timeout)/.test(error);
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
  const ended = `${error}: ${message}`.slice(0, 300);
  // Of Lambda and Step Functions themselves: a handler fails before its time limit.
  if (/^(Sandbox\.Timedout|States\.(Heartbeat)?Timeout)$/.test(error) || /Task timed out after/.test(message))
    return new AskAgainError(LAMBDA_MESSAGES.endedLate(ended));
  // Out of memory, or killed: there is no message of a handler.
  if (isKilled(error)) return new AskAgainError(LAMBDA_MESSAGES.ended(ended));
  if (/^(Lambda|States)\./.test(error)) return new AskAgainError(`${error}: ${message}`.slice(0, 500));
  return userErrorOf(EXIT.bug, `${error}: ${message}`);
}
