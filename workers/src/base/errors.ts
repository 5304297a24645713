import { constants } from 'node:os';

/** Exit codes of every command (DESIGN.md section 4; sysexits.h). */
export const EXIT = { ok: 0, bug: 1, usage: 64, data: 65, transient: 75 } as const;

/** An error with a message for the user: what is wrong, where, and what to do. */
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

/** The data is wrong. The message names the file and, if known, the row. */
export class DataError extends UserError {
  constructor(message: string, options?: ErrorOptions) {
    super(EXIT.data, message, options);
  }
}

/** A transient fault (full disk, lost connection): the same command can succeed later. */
export class TransientError extends UserError {
  constructor(message: string, options?: ErrorOptions) {
    super(EXIT.transient, message, options);
  }
}

/** Returns the UserError for an exit code. */
export function userErrorOf(exitCode: number, message: string, options?: ErrorOptions): UserError {
  if (exitCode === EXIT.usage) return new UsageError(message, options);
  if (exitCode === EXIT.data) return new DataError(message, options);
  if (exitCode === EXIT.transient) return new TransientError(message, options);
  return new UserError(exitCode, message, options);
}

/** Replaces a file's path in an error with the user's name for it, because tasks read inputs under other paths. */
export function withFileName(error: UserError, path: string, name: string): UserError {
  if (name === path) return error;
  const message = error.message.replaceAll(path, () => name);
  return userErrorOf(error.exitCode, message, { cause: error });
}

const AGAIN = 'then run the same command again';
const UNREACHABLE = `The file system does not answer. Check the disk or the network, ${AGAIN}`;

/** Transient faults of the machine, by their code. */
const TRANSIENT_CODES: Readonly<Record<string, string>> = {
  ENOSPC: `The disk is full. Free space or choose another folder, ${AGAIN}`,
  EDQUOT: `The disk quota is used up. Free space, ${AGAIN}`,
  EMFILE: `Too many open files. Raise the limit (ulimit -n), ${AGAIN}`,
  ENFILE: `Too many open files on this machine. Close other programs, ${AGAIN}`,
  ENOMEM: `Not enough memory. Close other programs, or use a machine with more memory, ${AGAIN}`,
  EIO: `The disk reported an input/output error. Check the device, ${AGAIN}`,
  EREMOTEIO: `The disk reported an input/output error. Check the device, ${AGAIN}`,
  ESTALE: `The file was replaced on its file server (stale file handle). Wait a moment, ${AGAIN}`,
  EBUSY: `The file or folder is in use. Wait a moment, ${AGAIN}`,
  EAGAIN: `The system lacks resources. Wait a moment, ${AGAIN}`,
  ENOLCK: `The file server does not grant a lock. Wait a moment, ${AGAIN}`,
  ETIMEDOUT: UNREACHABLE,
  ENOTCONN: UNREACHABLE,
  EHOSTDOWN: UNREACHABLE,
  EHOSTUNREACH: UNREACHABLE,
  ENETDOWN: UNREACHABLE,
  ENETUNREACH: UNREACHABLE,
  ESHUTDOWN: UNREACHABLE,
};

const NOT_ALLOWED = 'Permission denied. Check the owner and mode of the file or folder';
const OTHER_KIND = 'Expected a file but found a folder, or the reverse';

/** Permanent problems of a path, by their code. */
const DATA_CODES: Readonly<Record<string, string>> = {
  ENOENT: 'No such file or folder',
  EACCES: NOT_ALLOWED,
  EPERM: NOT_ALLOWED,
  EROFS: 'The file system is read-only. Choose another folder',
  EISDIR: OTHER_KIND,
  ENOTDIR: OTHER_KIND,
  EEXIST: OTHER_KIND,
  ENOTEMPTY: OTHER_KIND,
  ELOOP: 'Symbolic links form a loop. Remove one of them',
  ENAMETOOLONG: 'The name is too long: most file systems allow 255 bytes. Choose a shorter one',
  EFBIG: 'The file is larger than its file system or the limit (ulimit -f) allows. Choose another folder',
  ENXIO: 'Expected a file or folder, not a socket or a device',
  ENODEV: 'Expected a file or folder, not a socket or a device',
};

/** Returns the `code` of a Node.js system error ("ENOENT"), or undefined. */
export function systemErrorCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

/**
 * Turns a thrown value into an error that a user can act on. Faults of the machine become TransientError; missing or unreadable
 * files become DataError; anything else is a bug and returned unchanged. Native libraries report system errors only in their message,
 * which is therefore searched too.
 */
export function toUserError(error: unknown): unknown {
  if (error instanceof UserError || !(error instanceof Error)) return error;
  const own = systemErrorCode(error) ?? '';
  // N-API sets its own code on errors of native libraries.
  const code = own in TRANSIENT_CODES || own in DATA_CODES ? own : codeInMessage(error.message);
  const path = 'path' in error && typeof error.path === 'string' ? ` (${error.path})` : '';
  const transient = TRANSIENT_CODES[code];
  if (transient !== undefined) return new TransientError(withPath(transient, path), { cause: error });
  const permanent = DATA_CODES[code];
  if (permanent !== undefined) return new DataError(withPath(permanent, path), { cause: error });
  // Node.js itself refuses such a path, which comes from a document because command lines cannot contain NUL.
  if (own === 'ERR_INVALID_ARG_VALUE' && error.message.includes('null bytes'))
    return new DataError(`A path in the input contains a NUL byte, which no file name can contain: ${error.message}.`, {
      cause: error,
    });
  // Other system errors concern this file or file system.
  if ('syscall' in error && 'errno' in error && path !== '')
    return new DataError(`The operating system reported an error: ${error.message}.`, { cause: error });
  return error;
}

/** Inserts the path at the end of the first sentence or before its explanation. */
function withPath(text: string, path: string): string {
  return `${text.replace(/[.:] |$/, (end) => `${path}${end}`)}.`;
}

/** Finds a system error's code in a message: Rust libraries write "No space left on device (os error 28)". */
function codeInMessage(message: string): string {
  if (/No space left on device|ENOSPC/.test(message)) return 'ENOSPC';
  if (/Array buffer allocation failed|Cannot allocate memory/.test(message)) return 'ENOMEM';
  const number = Number(/\bos error (\d+)\b/.exec(message)?.[1]);
  const [code = ''] = Object.entries(constants.errno).find(([, value]) => value === number) ?? [];
  // A missing file of a table is reported as a damaged table.
  return code === 'ENOENT' ? '' : code;
}
