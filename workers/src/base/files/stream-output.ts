import { constants, createReadStream, createWriteStream, fstatSync, openSync, type Stats, statSync } from 'node:fs';
import { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import type { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { DataError, systemErrorCode } from '../errors.ts';
import { returnIfMissing } from '../missing-files.ts';
import { withScratch } from './scratch.ts';

/** The name of standard output among the outputs; `-` on a command line. */
export const STANDARD_OUTPUT = '/dev/stdout';

/** Names of files that this process has open, as `>(gzip > x)` of a shell makes them. */
const DESCRIPTOR = /^(?:\/dev|\/proc\/self)\/fd\/(\d+)$/;
const READER_MS = 100;

/**
 * Returns whether an output cannot be replaced by renaming: a pipe, a device, or a file that this process has open already. Its
 * content is written into it instead.
 */
export function isStreamOutput(path: string): boolean {
  const target = resolve(path);
  if (descriptorOf(target) !== undefined) return true;
  const info = statOf(target);
  return info?.isFIFO() === true || info?.isCharacterDevice() === true;
}

/** Returns whether an output is this process's standard output, under any of its names. */
export function isStandardOutput(path: string): boolean {
  return descriptorOf(resolve(path)) === 1;
}

/** Returns a path whose folder is for scratch files of an output: the output's own, or one in the system's for temporary files. */
export function scratchPathOf(output: string): string {
  return isStreamOutput(output) ? join(tmpdir(), basename(output)) : resolve(output);
}

/**
 * Writes a file to a temporary folder, then copies it into a pipe, a device or an open file.
 * @param write receives the temporary path
 * @returns its result
 * @throws DataError if the reader of a pipe ends early; standard output may be closed early (`| head`)
 */
export async function writeThrough<T>(path: string, write: (temporary: string) => Promise<T>): Promise<T> {
  return withScratch(tmpdir(), 'lanceflow-output', async (folder) => {
    const temporary = join(folder, 'output');
    const result = await write(temporary);
    await copyInto(temporary, resolve(path)).catch((error: unknown) => {
      const code = systemErrorCode(error);
      if (code === 'EBADF') throw new DataError(`${path}: is not open for writing. Name a file.`, { cause: error });
      if (code !== 'EPIPE') throw error;
      if (!isStandardOutput(path))
        throw new DataError(`${path}: the program that reads this pipe ended before all was written.`, {
          cause: error,
        });
    });
    return result;
  });
}

async function copyInto(file: string, target: string): Promise<void> {
  const descriptor = descriptorOf(target);
  const standard = [undefined, process.stdout, process.stderr][descriptor ?? 0];
  if (standard) return pipeline(createReadStream(file), standard, { end: false });
  // A file that is open already keeps its position: `3>> log`.
  if (descriptor !== undefined && !fstatSync(descriptor).isFIFO())
    return pipeline(createReadStream(file), createWriteStream('', { fd: descriptor, autoClose: false }));
  const isPipe = descriptor !== undefined || statOf(target)?.isFIFO();
  return pipeline(createReadStream(file), isPipe ? await openPipe(target) : createWriteStream(target, { flags: 'w' }));
}

/** Opens a pipe when it has a reader. A system call that waits for one would keep the process from ending. */
async function openPipe(path: string): Promise<Writable> {
  for (;;) {
    try {
      return new Socket({ fd: openSync(path, constants.O_WRONLY | constants.O_NONBLOCK), readable: false });
    } catch (error) {
      if (systemErrorCode(error) !== 'ENXIO') throw error;
      await sleep(READER_MS);
    }
  }
}

/** Returns the descriptor that a path names, as /dev/stdout and /dev/fd/3 do. @param target absolute */
export function descriptorOf(target: string): number | undefined {
  const standard = ['/dev/stdin', STANDARD_OUTPUT, '/dev/stderr'].indexOf(target);
  if (standard > 0) return standard;
  const [, number] = DESCRIPTOR.exec(target) ?? [];
  return number === undefined ? undefined : Number(number);
}

function statOf(path: string): Stats | undefined {
  try {
    return statSync(path);
  } catch (error) {
    return returnIfMissing(undefined)(error);
  }
}
