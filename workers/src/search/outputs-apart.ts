import { realpath } from 'node:fs/promises';
import { resolve } from 'node:path';
import { UsageError } from '../base/errors.ts';
import { returnIfMissing } from '../base/missing-files.ts';
import { SEARCH_MESSAGES } from './search-messages.ts';

/**
 * Refuses an output that would replace a file of queries, under any name of the file.
 * @param option that names the queries
 * @param outputs by option
 */
export async function requireOutputsApart(
  option: string,
  queries: readonly string[],
  outputs: Record<string, string | undefined>,
): Promise<void> {
  const real = (path: string) => realpath(path).catch(returnIfMissing(resolve(path)));
  const known = new Set(await Promise.all(queries.map(real)));
  for (const [output, path] of Object.entries(outputs))
    if (path !== undefined && known.has(await real(path)))
      throw new UsageError(SEARCH_MESSAGES.outputIsQuerySet(output, option, path));
}
