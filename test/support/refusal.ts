import { expect } from 'vitest';
import { toUserError, UserError } from '../../workers/src/base/errors.ts';
import { runHere } from './command.ts';
import { lanceflow } from './run.ts';

/**
 * Runs a command that must end with an error a person can act on: the exit code, and one line on standard error that
 * begins with the command's name and matches; no stack, nothing from a library, nothing on standard output.
 */
export async function expectRefusal(argv: readonly string[], code: number, ...matches: RegExp[]): Promise<void> {
  const { code: ended, stdout, stderr } = await lanceflow(argv);
  expect({ stderr, ended, stdout }).toEqual({ stderr: expect.any(String), ended: code, stdout: '' });
  const lines = stderr.split('\n').filter((line) => line !== '');
  expect(lines).toEqual([expect.stringMatching(new RegExp(`^lanceflow ${argv[0]}: `))]);
  expect(stderr.length).toBeLessThan(1000);
  for (const match of matches) expect(stderr).toMatch(match);
}

/** The same in the test's own process, ten times as fast: the error, of which the exit code follows, and its message. */
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
