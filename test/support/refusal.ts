import { expect } from 'vitest';
import { toUserError, UserError } from '../../workers/src/base/errors.ts';
import { runHere } from './command.ts';
import { lanceflow } from './run.ts';

/**
 * Expects a command to fail with a useful error: the exit code, and one matching line on standard error that begins with the
 * command's name; no stack, no text of a library, nothing on standard output.
 */
export async function expectRefusal(argv: readonly string[], code: number, ...matches: RegExp[]): Promise<void> {
  const { code: ended, stdout, stderr } = await lanceflow(argv);
  expect({ stderr, ended, stdout }).toEqual({ stderr: expect.any(String), ended: code, stdout: '' });
  const lines = stderr.split('\n').filter((line) => line !== '');
  expect(lines).toEqual([expect.stringMatching(new RegExp(`^lanceflow ${argv[0]}: `))]);
  expect(stderr.length).toBeLessThan(1000);
  for (const match of matches) expect(stderr).toMatch(match);
}

/** Expects the same in the test's process, ten times as fast: the error, which determines the exit code, and its message. */
export async function expectRefusalHere(argv: readonly string[], code: number, ...matches: RegExp[]): Promise<void> {
  const error = toUserError(
    await runHere(argv).then(
      () => undefined,
      (thrown: unknown) => thrown,
    ),
  );
  expect(error).toBeInstanceOf(UserError);
  expect(error).toMatchObject({ exitCode: code, message: expect.not.stringContaining('\n') });
  for (const match of matches) expect((error as UserError).message).toMatch(match);
}
