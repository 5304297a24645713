/** Exit codes of every command (DESIGN.md section 4; sysexits.h). */
export const EXIT = { ok: 0, bug: 1, usage: 64, data: 65, transient: 75 } as const;

/** An error whose message is meant for the user: what is wrong, where, and what to do. */
export class UserError extends Error {
  readonly exitCode: number;
  constructor(exitCode: number, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
    this.exitCode = exitCode;
  }
}

/** The command line is wrong: an option, its value, or a combination. */
export class UsageError extends UserError {
  constructor(message: string, options?: ErrorOptions) {
    super(EXIT.usage, message, options);
  }
}

/** The data is wrong. The message names the file and, where there is one, the row. */
export class DataError extends UserError {
  constructor(message: string, options?: ErrorOptions) {
    super(EXIT.data, message, options);
  }
}

/** A fault that may pass (full disk, lost connection): the same command can be run again. */
export class TransientError extends UserError {
  constructor(message: string, options?: ErrorOptions) {
    super(EXIT.transient, message, options);
  }
}

const TRANSIENT_CODES = new Map([
  ['ENOSPC', 'The disk is full. Free some space or choose another folder, then run the same command again'],
  ['EDQUOT', 'The disk quota is used up. Free some space, then run the same command again'],
  ['EMFILE', 'Too many open files. Raise the limit (ulimit -n), then run the same command again'],
  ['EIO', 'The disk reported an input/output error. Check the device, then run the same command again'],
]);

/** The `code` of a Node.js system error ("ENOENT"), or undefined. */
export function systemErrorCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

/**
 * Turns whatever was thrown into an error a person can act on. Faults of the machine become
 * TransientError; missing or unreadable files become DataError; anything else is returned unchanged
 * and is a bug. Native libraries report a full disk only in their message, so that is read as well.
 */
export function toUserError(error: unknown): unknown {
  if (error instanceof UserError || !(error instanceof Error)) return error;
  const code = systemErrorCode(error) ?? '';
  const path = 'path' in error && typeof error.path === 'string' ? ` (${error.path})` : '';
  const transient =
    TRANSIENT_CODES.get(code) ??
    (/No space left on device|os error 28|ENOSPC/.test(error.message) ? TRANSIENT_CODES.get('ENOSPC') : undefined);
  if (transient) return new TransientError(`${transient}${path}.`, { cause: error });
  if (code === 'ENOENT') return new DataError(`No such file or folder${path}.`, { cause: error });
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS')
    return new DataError(`Permission denied${path}. Check the owner and mode of the file or folder.`, {
      cause: error,
    });
  if (code === 'EISDIR' || code === 'ENOTDIR' || code === 'EEXIST' || code === 'ENOTEMPTY')
    return new DataError(`Expected a file where there is a folder, or the reverse${path}.`, { cause: error });
  return error;
}
