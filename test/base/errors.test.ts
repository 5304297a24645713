import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { constants } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { DataError, TransientError, toUserError, UserError } from '../../workers/src/base/errors.ts';
import { temporaryFolder } from '../support/run.ts';

/** Builds a system error as Node.js does. */
function systemError(code: string): Error {
  const errno = -(constants.errno as Record<string, number>)[code]!;
  const message = `${code}: something, open '/data/x'`;
  return Object.assign(new Error(message), { code, errno, syscall: 'open', path: '/data/x' });
}

describe('a system error about a file', () => {
  test.each(Object.keys(constants.errno))('%s is never a bug, and names the file', (code) => {
    const error = toUserError(systemError(code));
    expect(error).toBeInstanceOf(UserError);
    expect((error as Error).message).toContain('/data/x');
    expect((error as Error).message).toMatch(/^[^\n]*\.$/);
  });

  test.each([
    ['ENOENT', DataError, 'No such file or folder (/data/x).'],
    ['EACCES', DataError, 'Permission denied (/data/x). Check the owner and mode of the file or folder.'],
    ['ELOOP', DataError, 'Symbolic links form a loop (/data/x). Remove one of them.'],
    ['ESTALE', TransientError, 'The file was replaced on its file server (stale file handle) (/data/x). Wait a moment'],
    ['EIO', TransientError, 'The disk reported an input/output error (/data/x). Check the device'],
    ['EMFILE', TransientError, 'Too many open files (/data/x). Raise the limit (ulimit -n)'],
  ])('%s', (code, kind, message) => {
    expect(toUserError(systemError(code))).toBeInstanceOf(kind);
    expect((toUserError(systemError(code)) as Error).message).toContain(message);
  });

  test.each([
    ['Permission denied (os error 13)', DataError],
    ['LanceError(IO): Generic LocalFileSystem error: Too many open files (os error 24)', TransientError],
    ['No space left on device (os error 28), /cargo/registry/lance', TransientError],
    ['Input/output error (os error 5)', TransientError],
    ['Stale file handle (os error 116)', TransientError],
    ['Array buffer allocation failed', TransientError],
  ])('is found in the message of a native library: %s', (message, kind) => {
    expect(toUserError(Object.assign(new Error(message), { code: 'GenericFailure' }))).toBeInstanceOf(kind);
  });

  test('any other error is a bug, and is returned unchanged', async () => {
    // A missing file of a table is damage, which is reported with the table.
    for (const message of ['x is not a function', 'Object not found: No such file or directory (os error 2)']) {
      const error = new Error(message);
      expect(toUserError(error)).toBe(error);
    }
    expect(toUserError('text')).toBe('text');
  });

  test('of a real file system', async () => {
    const folder = await temporaryFolder();
    writeFileSync(join(folder, 'file'), '');
    for (const [path, message] of [
      [join(folder, 'file', 'x'), 'Expected a file but found a folder'],
      [join(folder, 'x'.repeat(300)), 'The name is too long'],
    ] as const)
      expect(() => orUserError(() => readFileSync(path))).toThrow(message);
    expect(() => orUserError(() => readFileSync(folder))).toThrow('Expected a file but found a folder');
    expect(readdirSync(folder)).toEqual(['file']);
  });
});

function orUserError(use: () => unknown): void {
  try {
    use();
  } catch (error) {
    throw toUserError(error);
  }
}

test('a path with a NUL byte, which comes from a document, is wrong data', async () => {
  const error = toUserError(await readFile('a\0b').catch((thrown: unknown) => thrown));
  expect(error).toBeInstanceOf(DataError);
  expect((error as Error).message).toMatch(/NUL byte.*'a\\x00b'/);
});
