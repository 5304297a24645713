import { dirname, resolve } from 'node:path';
import { requireTargetRecall, requireWhole } from '../app/option-checks.ts';
import { UsageError } from '../base/errors.ts';
import { scratchPathOf } from '../base/files/stream-output.ts';
import { parseByteSize } from '../base/text/byte-size.ts';
import { parseQueryRange } from '../hits/query-range.ts';
import { requireOutputsApart } from './outputs-apart.ts';
import type { SearchMode } from './plan/strategies.ts';
import { SEARCH_MESSAGES } from './search-messages.ts';
import type { SearchRequest } from './search-request.ts';

/** The options of a search of one bucket, as given on the command line. */
export interface SearchOptions {
  queries: readonly string[];
  k: number;
  search: SearchMode;
  nprobes?: number | undefined;
  refineFactor?: number | undefined;
  targetRecall?: number | undefined;
  excludeSelf: boolean;
  maxDistance?: number | undefined;
  where?: string | undefined;
  memory: string;
  blockQueries?: number | undefined;
  range?: string | undefined;
  checkpoints?: string | undefined;
  output: string;
  /** Output for the ground truth of the evaluation sample. */
  truth?: string | undefined;
  truthShare?: number | undefined;
}

/** Checks the options of a search. @throws UsageError naming the option that is wrong */
export async function checkRequest(options: SearchOptions): Promise<SearchRequest> {
  const { k, search, nprobes, refineFactor, targetRecall, excludeSelf, where, blockQueries, output, truth } = options;
  const maxDistance = options.maxDistance ?? Number.POSITIVE_INFINITY;
  const memoryBytes = parseByteSize(options.memory);
  requireWhole('k', k);
  if (nprobes !== undefined) requireWhole('nprobes', nprobes);
  if (refineFactor !== undefined) requireWhole('refine-factor', refineFactor, 0);
  if (blockQueries !== undefined) requireWhole('block-queries', blockQueries);
  if (truth !== undefined && resolve(truth) === resolve(output)) throw new UsageError(SEARCH_MESSAGES.sameOutputs);
  await requireOutputsApart('queries', options.queries, { output, truth });
  requireTargetRecall(targetRecall);
  const { truthShare } = options;
  if (truthShare !== undefined && !(truthShare >= 0)) throw new UsageError(SEARCH_MESSAGES.wrongTruthShare(truthShare));
  if (Number.isNaN(maxDistance)) throw new UsageError(SEARCH_MESSAGES.wrongMaxDistance);
  if (memoryBytes === undefined) throw new UsageError(SEARCH_MESSAGES.wrongMemory(options.memory));
  if (options.queries.length === 0) throw new UsageError(SEARCH_MESSAGES.noQuerySet);
  return {
    ...{ k, search, nprobes, refineFactor, targetRecall, excludeSelf, maxDistance, where, memoryBytes, blockQueries },
    range: options.range === undefined ? undefined : parseQueryRange(options.range),
    checkpoints: options.checkpoints ?? dirname(scratchPathOf(output)),
  };
}
