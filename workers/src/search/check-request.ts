import { realpath } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { requireWhole } from '../app/option-checks.ts';
import { UsageError } from '../base/errors.ts';
import { returnIfMissing } from '../base/missing-files.ts';
import { parseByteSize } from '../base/text/byte-size.ts';
import type { SearchOrder } from './run-search.ts';

/** The options of a search of one bucket, as they are given. */
export interface SearchOptions {
  queries: readonly string[];
  k: number;
  search: SearchOrder['search'];
  nprobes?: number | undefined;
  refineFactor?: number | undefined;
  targetRecall?: number | undefined;
  excludeSelf: boolean;
  maxDistance?: number | undefined;
  memory: string;
  blockQueries?: number | undefined;
  range?: string | undefined;
  checkpoints?: string | undefined;
  output: string;
  truth?: string | undefined;
}

/** What a search is to find, of options that are right. @throws UsageError naming the option that is not */
export async function checkRequest(args: SearchOptions): Promise<SearchOrder> {
  const { k, search, nprobes, refineFactor, targetRecall, excludeSelf, blockQueries, output, truth } = args;
  const maxDistance = args.maxDistance ?? Number.POSITIVE_INFINITY;
  const memoryBytes = parseByteSize(args.memory);
  requireWhole('k', k);
  if (nprobes !== undefined) requireWhole('nprobes', nprobes);
  if (refineFactor !== undefined) requireWhole('refine-factor', refineFactor, 0);
  if (blockQueries !== undefined) requireWhole('block-queries', blockQueries);
  if (truth !== undefined && resolve(truth) === resolve(output))
    throw new UsageError('--output and --truth name the same file. Give each its own.');
  await requireOthers(args.queries, { output, truth });
  if (targetRecall !== undefined && !(targetRecall > 0 && targetRecall <= 1))
    throw new UsageError(`--target-recall must be above 0 and at most 1, not ${targetRecall}.`);
  if (Number.isNaN(maxDistance)) throw new UsageError('--max-distance must be a number.');
  if (memoryBytes === undefined) throw new UsageError(`--memory ${args.memory}: write it like 2GB or 512MiB.`);
  if (args.queries.length === 0) throw new UsageError('--queries needs at least one shard.');
  return {
    ...{ k, search, nprobes, refineFactor, targetRecall, excludeSelf, maxDistance, memoryBytes, blockQueries },
    range: args.range === undefined ? undefined : parseRange(args.range),
    checkpoints: args.checkpoints ?? dirname(resolve(output)),
  };
}

/** A query set must not be replaced by what was found for it, by whatever name it is given. */
async function requireOthers(queries: readonly string[], outputs: { output: string; truth: string | undefined }) {
  const real = (path: string) => realpath(path).catch(returnIfMissing(resolve(path)));
  const known = new Set(await Promise.all(queries.map(real)));
  for (const [name, path] of Object.entries(outputs))
    if (path !== undefined && known.has(await real(path)))
      throw new UsageError(`--${name} names a file of --queries: ${path}. Give it another name.`);
}

function parseRange(text: string): { first: number; end: number } {
  const [, first, end] = /^(\d{1,12}):(\d{1,12})$/.exec(text) ?? [];
  if (first === undefined || Number(first) >= Number(end))
    throw new UsageError(`--range ${text}: write it like 0:1000, first position and the one after the last.`);
  return { first: Number(first), end: Number(end) };
}
