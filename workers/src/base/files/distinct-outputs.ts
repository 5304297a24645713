import { realpath } from 'node:fs/promises';
import { resolve } from 'node:path';
import { UsageError } from '../errors.ts';
import { returnIfMissing } from '../missing-files.ts';

/**
 * Checks that no output of a command replaces an input, or another output, under any name of the file.
 * @param outputs by option; undefined where one is not wanted
 * @throws UsageError that names the option
 */
export async function requireDistinctOutputs(
  inputs: readonly string[],
  outputs: Readonly<Record<string, string | undefined>>,
): Promise<void> {
  const real = (path: string) => realpath(path).catch(returnIfMissing(resolve(path)));
  const used = new Set(await Promise.all(inputs.map(real)));
  for (const [option, path] of Object.entries(outputs)) {
    if (path === undefined) continue;
    const target = await real(path);
    if (used.has(target))
      throw new UsageError(`--${option} names another file of this command: ${path}. Choose two names.`);
    used.add(target);
  }
}
