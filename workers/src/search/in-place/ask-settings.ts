import * as z from 'zod/mini';
import { UsageError } from '../../base/errors.ts';
import { AMOUNT, COUNT, checkDocument, SIZE, TEXT, wholeNumber } from '../../base/text/document.ts';
import { IN_PLACE_MESSAGES } from './in-place-messages.ts';

/** Most neighbours of a query. */
export const MOST_NEIGHBOURS = 50_000;
/** Most neighbours of all queries together: their ids and distances are in memory. */
export const MOST_HITS = 2_000_000;
export const MOST_QUERIES = 10_000;

/** What to find; of a command line or, as JSON, of an event. */
export type AskSettings = z.infer<typeof ASK_SETTINGS>;
export const ASK_SETTINGS = z.object({
  /** Neighbours of a query. */
  k: wholeNumber(1).check(z.lte(MOST_NEIGHBOURS, `a whole number from 1 to ${MOST_NEIGHBOURS}`)),
  /** Partitions that a query probes. Default: that of a campaign. */
  nprobes: z.optional(SIZE),
  /** Candidates a neighbour that are rescored; 0: the distances of the codes. Default: that of a campaign. */
  refineFactor: z.optional(COUNT),
  /** Drops the hit that has the query's own id. */
  excludeSelf: z._default(z.boolean('true or false'), false),
  /** Drops hits that are farther. */
  maxDistance: z.optional(z.number('a number')),
  /** A filter in SQL on the kept columns. */
  where: z.optional(TEXT),
  /** Drops neighbours with a larger E-value. */
  maxEvalue: z.optional(AMOUNT),
});

/** Checks settings, which may come from outside. @throws UsageError that names the wrong one */
export function checkAskSettings(value: unknown): AskSettings {
  return checkDocument(ASK_SETTINGS, value, (problem) => new UsageError(IN_PLACE_MESSAGES.wrongSettings(problem)));
}

/** Checks that the answer fits into memory. @throws UsageError */
export function requireAnswerFits({ k }: AskSettings, queryCount: number): void {
  if (queryCount > MOST_QUERIES) throw new UsageError(IN_PLACE_MESSAGES.manyQueries(MOST_QUERIES));
  if (queryCount * k > MOST_HITS) throw new UsageError(IN_PLACE_MESSAGES.manyHits(queryCount, k, MOST_HITS));
}
