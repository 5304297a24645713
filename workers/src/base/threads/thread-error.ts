import { inspect } from 'node:util';
import { TransientError, userErrorOf } from '../errors.ts';
import type { ThreadFailure } from './thread-messages.ts';

/** Properties of errors that determine a command's exit code and message: see errors.ts. */
const CARRIED = ['exitCode', 'code', 'path', 'syscall', 'errno'] as const;

/** Encodes an error so that `decodeFailure` can restore it in another thread. */
export function encodeFailure(error: unknown): ThreadFailure {
  const properties: Record<string, unknown> = {};
  if (error instanceof Error)
    for (const key of CARRIED) if (Object.hasOwn(error, key)) properties[key] = Reflect.get(error, key);
  try {
    return { error: structuredClone(error), properties };
  } catch {
    // The error holds a value that cannot be cloned, such as a function.
    const { message, stack } = error instanceof Error ? error : new Error(String(error));
    return { error: Object.assign(new Error(message), { stack }), properties };
  }
}

/** Restores an error of another thread: a UserError keeps its exit code, a system error its code and path. */
export function decodeFailure({ error, properties }: ThreadFailure): Error {
  if (!(error instanceof Error)) return new Error(typeof error === 'string' ? error : inspect(error));
  return withExitCode(Object.assign(error, properties));
}

/**
 * Turns the error that stopped a thread, as its owner receives it from Node.js, into one that says what to do.
 * @param name of the thread
 */
export function errorOfDeath(error: unknown, name: string): Error {
  if (!(error instanceof Error)) return decodeFailure({ error, properties: {} });
  if ('code' in error && error.code === 'ERR_WORKER_OUT_OF_MEMORY')
    return new TransientError(
      `The thread "${name}" ran out of memory. Use fewer threads or a machine with more memory, then run the same command again.`,
      { cause: error },
    );
  return withExitCode(error);
}

/** An error keeps its properties between threads, but not its class. */
function withExitCode(error: Error): Error {
  return 'exitCode' in error && typeof error.exitCode === 'number'
    ? userErrorOf(error.exitCode, error.message, { cause: error })
    : error;
}
