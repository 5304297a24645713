import type { Stats } from 'node:fs';
import { realpath } from 'node:fs/promises';
import { UsageError } from '../base/errors.ts';
import { findStats, returnIfMissing } from '../base/missing-files.ts';
import { missingFile } from './fasta-messages.ts';
import { STANDARD_INPUT } from './standard-input.ts';

/**
 * Checks a list of input files: at least one, all exist, and none is repeated or the output.
 * @returns their total size in bytes, for the progress bar
 */
export async function checkInputs(inputs: readonly string[], output?: string): Promise<number> {
  if (inputs.length === 0) throw new UsageError('--input needs at least one FASTA file.');
  const realOutput = output === undefined ? undefined : await realpath(output).catch(returnIfMissing(undefined));
  const seen = new Map<string, string>();
  let bytes = 0;
  for (const input of inputs) {
    const info = await statInput(input);
    // A pipe, such as `<(...)`, has no real path.
    const real = info?.isFile() ? await realpath(input) : input;
    if (real === realOutput) throw new UsageError(`${input}: is also --output. Write to another file.`);
    const other = seen.get(real);
    if (other !== undefined) throw new UsageError(`--input names the same file twice: ${other} and ${input}.`);
    seen.set(real, input);
    bytes += info?.size ?? 0;
  }
  return bytes;
}

/** @returns undefined for standard input */
async function statInput(input: string): Promise<Stats | undefined> {
  if (input === STANDARD_INPUT) return undefined;
  const info = await findStats(input);
  if (info) return info;
  throw missingFile(input);
}
