import { expect } from 'vitest';
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
