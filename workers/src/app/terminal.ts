import { writeSync } from 'node:fs';
import { systemErrorCode, toUserError, UserError } from '../base/errors.ts';
import { printable } from '../base/text/printable.ts';

/** Shows the cursor and wraps lines. */
const AS_USUAL = '\x1b[?25h\x1b[?7h';

let isUsed = false;
let failure: Error | undefined;

/** All that is said passes through here: a name or an id cannot command the terminal. */
export function say(message: string): void {
  process.stderr.write(`${printable(message)}\n`);
}

/** Prints a command's answer on standard output. */
export function print(text: string): void {
  process.stdout.write(`${printable(text)}\n`);
}

/** Notes that something is drawn on the terminal. */
export function useTerminal(): void {
  if (!isUsed) process.on('exit', restoreTerminal);
  isUsed = true;
}

/**
 * Leaves the terminal as it is usually: called at the end, whatever ended the process. A bar hides and changes nothing, so
 * that SIGKILL leaves nothing either; this also repairs what an earlier program left.
 */
export function restoreTerminal(): void {
  if (!isUsed || !process.stderr.isTTY) return;
  try {
    writeSync(process.stderr.fd, AS_USUAL);
  } catch {
    // The terminal was closed: nobody sees it any more.
  }
}

/**
 * Goes on where nobody reads what is said (`| head`, a closed terminal): the work is in files. Other errors, a full disk, are
 * kept for `outputFailure`.
 */
export function watchOutputs(): void {
  for (const stream of [process.stdout, process.stderr])
    stream.on('error', (error: Error) => {
      const isClosed = ['EPIPE', 'EIO'].includes(systemErrorCode(error) ?? '');
      if (stream === process.stdout && !isClosed) failure ??= error;
    });
}

/** Why not all of the answer reached standard output; undefined where it did, or where nobody wants it. */
export async function outputFailure(): Promise<unknown> {
  // Streams tell of errors after the write.
  await new Promise((resolve) => setImmediate(resolve));
  if (failure === undefined) return undefined;
  const known = toUserError(failure);
  return known instanceof UserError ? new UserError(known.exitCode, `standard output: ${known.message}`) : known;
}
