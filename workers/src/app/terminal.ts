import { writeSync } from 'node:fs';
import { systemErrorCode, toUserError, UserError } from '../base/errors.ts';
import { printable } from '../base/text/printable.ts';

/** Shows the cursor and wraps lines. */
const DEFAULT_STATE = '\x1b[?25h\x1b[?7h';

let isUsed = false;
let failure: Error | undefined;

/** Writes a line to standard error, with control characters escaped: a name or an id cannot control the terminal. */
export function say(message: string): void {
  process.stderr.write(`${printable(message)}\n`);
}

/** Prints a command's answer on standard output, with control characters escaped. */
export function print(text: string): void {
  process.stdout.write(`${printable(text)}\n`);
}

/** Registers that a bar is drawn on the terminal. */
export function useTerminal(): void {
  if (!isUsed) process.on('exit', restoreTerminal);
  isUsed = true;
}

/**
 * Restores the terminal's default state when the process ends. A bar does not change the state, so SIGKILL does no harm; this also
 * repairs the state that an earlier program left.
 */
export function restoreTerminal(): void {
  if (!isUsed || !process.stderr.isTTY) return;
  try {
    writeSync(process.stderr.fd, DEFAULT_STATE);
  } catch {
    // The terminal was closed.
  }
}

/**
 * Lets the command continue when its output is closed (`| head`, a closed terminal), because its results are in files. Other errors, such
 * as a full disk, are kept for `outputFailure`.
 */
export function watchOutputs(): void {
  for (const stream of [process.stdout, process.stderr])
    stream.on('error', (error: Error) => {
      const isClosed = ['EPIPE', 'EIO'].includes(systemErrorCode(error) ?? '');
      if (stream === process.stdout && !isClosed) failure ??= error;
    });
}

/** Returns the error because of which standard output is incomplete; undefined if it is complete or was closed. */
export async function outputFailure(): Promise<unknown> {
  // Streams emit errors after the write.
  await new Promise((resolve) => setImmediate(resolve));
  if (failure === undefined) return undefined;
  const known = toUserError(failure);
  return known instanceof UserError ? new UserError(known.exitCode, `standard output: ${known.message}`) : known;
}
