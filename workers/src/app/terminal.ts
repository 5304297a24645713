import { writeSync } from 'node:fs';
import { styleText } from 'node:util';
import { systemErrorCode, toUserError, UserError } from '../base/errors.ts';
import { shorten } from '../base/text/format-table.ts';
import { joinPieces, printable, printableJsonPieces } from '../base/text/printable.ts';
import { announce } from './monitoring/event-bus.ts';

/** Shows the cursor and wraps lines. */
const DEFAULT_STATE = '\x1b[?25h\x1b[?7h';
const PIECE_LENGTH = 2 ** 16;
/** Of a terminal that reports a size of 0. */
const DEFAULT_SIZE = { columns: 80, rows: 24 };

let isUsed = false;
let isSilent = false;
let failure: Error | undefined;

/** Color or weight of a piece of text. */
export type Style = Parameters<typeof styleText>[0];

/**
 * Colors text for one of the outputs, where that is a terminal or FORCE_COLOR is set, and not where NO_COLOR is.
 * @param text without control characters, which `say` and `print` escape before they color
 */
export function paint(style: Style, text: string, stream: NodeJS.WriteStream = process.stdout): string {
  return styleText(style, text, { stream });
}

/** Suppresses progress and messages (`--quiet`). Answers and errors are still written. */
export function beQuiet(): void {
  isSilent = true;
}

/** Returns whether `beQuiet` was called. */
export function isQuiet(): boolean {
  return isSilent;
}

/** Tells the user something: a line on standard error, and an event. */
export function say(message: string): void {
  announce('log', message);
  sayOnly(message);
}

/** Tells the user of a problem that does not stop the command, as `say`. */
export function warn(message: string): void {
  announce('warning', message);
  sayOnly(message);
}

/**
 * Writes a line to standard error, with control characters escaped: a name or an id cannot control the terminal. For lines that other
 * events hold, such as progress.
 */
export function sayOnly(message: string): void {
  process.stderr.write(`${printable(message)}\n`);
}

/** Writes an error to standard error, as `say`, its first words in red. */
export function sayError(who: string, message: string): void {
  process.stderr.write(`${paint(['bold', 'red'], `${printable(who)}:`, process.stderr)} ${printable(message)}\n`);
}

/** Prints a command's answer on standard output, with control characters escaped. @param color colors the escaped text */
export function print(text: string, color: (safe: string) => string = (safe) => safe): void {
  process.stdout.write(`${color(printable(text))}\n`);
}

/** Prints an object on standard output as one line of JSON, which may be longer than a text can be. */
export function printJson(record: object): void {
  for (const text of joinPieces(printableJsonPieces(record), PIECE_LENGTH)) process.stdout.write(text);
  process.stdout.write('\n');
}

/** Returns the number of columns of the terminal that shows standard output; undefined if it is a file or a pipe. */
export function terminalColumns(): number | undefined {
  // A terminal of unknown size has 0 columns.
  return (process.stdout.isTTY && process.stdout.columns) || undefined;
}

/** Returns whether a stream is a terminal that can move its cursor: another one would show each state of what is redrawn. */
export function canRedraw({ isTTY }: NodeJS.WriteStream): boolean {
  return isTTY && process.env.TERM !== 'dumb';
}

/** A text on standard output that replaces itself on a terminal, and is written again elsewhere. */
export interface RedrawnText {
  isTerminal: boolean;
  /** Size of the terminal; unlimited elsewhere. */
  size(): { columns: number; rows: number };
  show(text: string): void;
}

/** Creates a text that replaces itself. On a terminal, lines that would wrap are shortened. */
export function createRedrawnText(): RedrawnText {
  const { stdout } = process;
  const isTerminal = canRedraw(stdout);
  let height = 0;
  const size = () => {
    if (!isTerminal) return { columns: Number.POSITIVE_INFINITY, rows: Number.POSITIVE_INFINITY };
    return { columns: stdout.columns || DEFAULT_SIZE.columns, rows: stdout.rows || DEFAULT_SIZE.rows };
  };
  return {
    isTerminal,
    size,
    show(text) {
      const lines = printable(text).replaceAll('\t', ' ').split('\n');
      // Moves to the first line of the text before, and clears from there.
      const up = isTerminal && height > 0 ? `\x1b[${height}A\x1b[J` : '';
      stdout.write(`${up}${lines.map((line) => shorten(line, size().columns)).join('\n')}\n`);
      height = lines.length;
    },
  };
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
  await Promise.all([process.stdout, process.stderr].map(writtenOut));
  // Streams emit errors after the write.
  await new Promise((resolve) => setImmediate(resolve));
  if (failure === undefined) return undefined;
  const known = toUserError(failure);
  return known instanceof UserError ? new UserError(known.exitCode, `standard output: ${known.message}`) : known;
}

/** Waits until a stream has written all: a pipe takes 64 KiB at once, and what waits for its reader would be lost with the process. */
function writtenOut(stream: NodeJS.WriteStream): Promise<void> {
  if (stream.writableLength === 0 || stream.destroyed) return Promise.resolve();
  return new Promise((resolve) => stream.write('', () => resolve()));
}
