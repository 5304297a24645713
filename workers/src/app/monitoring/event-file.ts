import { closeSync, constants, fstatSync, mkdirSync, openSync, readSync, writeSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { systemErrorCode, TransientError, toUserError, UsageError } from '../../base/errors.ts';
import { descriptorOf } from '../../base/files/stream-output.ts';
import { joinPieces } from '../../base/text/printable.ts';
import { MONITORING_MESSAGES } from './monitoring-messages.ts';

const NEWLINE = '\n'.charCodeAt(0);
const RETRY_MS = 1;
/** Longest wait for a reader that takes nothing. */
const READER_MS = 2000;
/** Longer lines are written by several calls, between which another process may write its own. */
const CALL_LENGTH = 2 ** 24;

/** Appends lines to a file, a pipe or an open descriptor, so that a killed process has written all lines before. */
export interface EventFile {
  /**
   * Appends a line.
   * @param pieces of the line, without its end: one of a hundred megabytes is never one text
   * @throws the system's error, or a TransientError for a pipe that is full
   */
  append(pieces: Iterable<string>): void;
}

/**
 * Opens a file for lines, with its folder.
 * @throws UsageError for a pipe without a reader; the system's error for a file that cannot be written
 */
export function openEventFile(path: string): EventFile {
  const target = resolve(path);
  // Another descriptor of the same file would overwrite what this process writes into it.
  const file = descriptorOf(target) ?? open(path, target);
  return {
    append(pieces) {
      for (const text of joinPieces(withNewline(pieces), CALL_LENGTH)) writeAll(file, Buffer.from(text));
    },
  };
}

function* withNewline(pieces: Iterable<string>): Generator<string, void, undefined> {
  yield* pieces;
  yield '\n';
}

function open(path: string, target: string): number {
  mkdirSync(dirname(target), { recursive: true });
  try {
    const { O_APPEND, O_CREAT, O_WRONLY, O_NONBLOCK } = constants;
    // A pipe without a reader would keep the process waiting.
    const file = openSync(target, O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK, 0o666);
    if (endsInsideLine(target, file)) writeAll(file, Buffer.from('\n'));
    return file;
  } catch (error) {
    if (systemErrorCode(error) === 'ENXIO') throw new UsageError(MONITORING_MESSAGES.noReader(path), { cause: error });
    throw error;
  }
}

/** Returns whether a disk was full when an earlier process wrote the last line. */
function endsInsideLine(target: string, file: number): boolean {
  const info = fstatSync(file);
  if (!info.isFile() || info.size === 0) return false;
  const reader = openSync(target, 'r');
  try {
    const last = new Uint8Array(1);
    readSync(reader, last, 0, 1, info.size - 1);
    return last[0] !== NEWLINE;
  } finally {
    closeSync(reader);
  }
}

function writeAll(file: number, bytes: Uint8Array): void {
  for (let done = 0, waitedMs = 0; done < bytes.length; ) {
    try {
      done += writeSync(file, bytes, done);
      waitedMs = 0;
    } catch (error) {
      if (systemErrorCode(error) !== 'EAGAIN') throw error;
      if (waitedMs >= READER_MS) throw new TransientError(MONITORING_MESSAGES.slowReader, { cause: error });
      waitedMs += RETRY_MS;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, RETRY_MS);
    }
  }
}

/** Describes in a sentence why a write failed. */
export function describeFault(error: unknown): string {
  if (systemErrorCode(error) === 'EPIPE') return MONITORING_MESSAGES.closedPipe;
  const known = toUserError(error);
  // The next sentences tell what to do before running the command again, which continues.
  return known instanceof Error ? known.message.replace(/(?<=\.) .*/s, '') : String(known);
}
