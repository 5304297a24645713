import { numberVariable } from '../../app/environment.ts';
import type { CatalogEntry } from '../../database/catalog/catalog-entry.ts';
import type { AskSettings } from '../../search/in-place/ask-settings.ts';
import { type SearchNeeds, searchNeeds } from '../../search/in-place/search-needs.ts';
import { MOST_KEPT_BYTES } from '../../search/in-place/warm-buckets.ts';
import { LAMBDA_MESSAGES } from './lambda-messages.ts';
import { WrongQuestionError } from './question-errors.ts';

/** What AWS Lambda grants a function at most: memory and disk in MiB, and the time limit that the template allows. */
export const LAMBDA_LIMITS = { memoryMb: 10_240, diskMb: 10_240, seconds: 840 } as const;
/** Seconds of an execution (infra/lanceflow-ask.yaml), less those of its other states. */
export const MOST_SEARCH_SECONDS = 3600 - 900;
/** Bytes of a neighbour in a part, with its id. */
const PART_BYTES = 40;
/** Bytes of a neighbour in both files of the answer, of which CSV is not compressed, with two ids. */
const ANSWER_BYTES = 160;
const MIB = 2 ** 20;

/** What the functions of the stack have. */
export interface StackLimits {
  memoryMb: number;
  diskMb: number;
  seconds: number;
  mergeDiskMb: number;
}

/** Reads the limits from the variables of the function. */
export function stackLimits(): StackLimits {
  const { memoryMb, diskMb, seconds } = LAMBDA_LIMITS;
  return {
    memoryMb: numberVariable('LANCEFLOW_SEARCH_MEMORY_MB', memoryMb, { least: 1 }),
    diskMb: numberVariable('LANCEFLOW_SEARCH_DISK_MB', diskMb, { least: 1 }),
    seconds: numberVariable('LANCEFLOW_SEARCH_SECONDS', seconds, { least: 1 }),
    mergeDiskMb: numberVariable('LANCEFLOW_AGGREGATE_DISK_MB', diskMb, { least: 1 }),
  };
}

/** Returns how many buckets of a question are searched at once: what it asks for, and at most what the stack allows. */
export function searchConcurrency(wanted: number | undefined): number {
  const most = numberVariable('LANCEFLOW_CONCURRENCY', 40, { least: 1 });
  // 0: nothing is reserved. More searches at once would be throttled.
  const reserved = numberVariable('LANCEFLOW_RESERVED', 0, { least: 0 }) || most;
  return Math.min(wanted ?? most, most, reserved);
}

/**
 * Checks that the functions of the stack can answer a question: a search that runs out of disk, memory or time would fail in every bucket.
 * @param concurrency buckets that are searched at once
 * @throws WrongQuestionError with what it needs, and what to do
 */
export function requireStackFits(
  entries: readonly CatalogEntry[],
  settings: AskSettings,
  queryCount: number,
  concurrency: number,
  limits: StackLimits,
): void {
  const { k } = settings;
  const needsOf = (entry: CatalogEntry, count: number, memoryMb = limits.memoryMb) =>
    searchNeeds(entry, settings, count, memoryMb);
  for (const entry of entries) {
    const needs = needsOf(entry, queryCount);
    if (fits(needs, limits)) continue;
    // Needs grow with the queries: the largest number that fits, by bisection.
    let [most, tooMany] = [0, queryCount];
    while (tooMany - most > 1) {
      const count = Math.floor((most + tooMany) / 2);
      if (fits(needsOf(entry, count), limits)) most = count;
      else tooMany = count;
    }
    // More memory also brings more processors.
    const canDeploy = [limits.memoryMb, LAMBDA_LIMITS.memoryMb].some((memoryMb) =>
      fits(needsOf(entry, most === 0 ? 1 : queryCount, memoryMb), LAMBDA_LIMITS),
    );
    const words = { bucket: entry.bucket, queryCount, k, needs: rounded(needs), limits, most, canDeploy };
    throw new WrongQuestionError(LAMBDA_MESSAGES.largeQuestion(words));
  }
  const total = totalSeconds(
    entries.map((entry) => needsOf(entry, queryCount).seconds),
    concurrency,
  );
  if (total > MOST_SEARCH_SECONDS)
    throw new WrongQuestionError(
      LAMBDA_MESSAGES.longQuestion(entries.length, concurrency, Math.round(total), MOST_SEARCH_SECONDS),
    );
  const hits = entries.reduce((sum, { rows }) => sum + queryCount * Math.min(k, rows), 0);
  const rows = entries.reduce((sum, entry) => sum + entry.rows, 0);
  const mergeMb = Math.ceil((hits * PART_BYTES + queryCount * Math.min(k, rows) * ANSWER_BYTES) / MIB);
  if (mergeMb > limits.mergeDiskMb)
    throw new WrongQuestionError(LAMBDA_MESSAGES.largeMerge(hits, mergeMb, limits.mergeDiskMb, LAMBDA_LIMITS.diskMb));
}

/** Returns the seconds of searches of which each starts when another ends, at most: of two upper limits, the lower one. */
function totalSeconds(seconds: readonly number[], concurrency: number): number {
  const longest = Math.max(...seconds);
  const sum = seconds.reduce((total, one) => total + one, 0);
  // The last search to end starts when all others share the places, at the latest (Graham, doi.org/10.1137/0117039).
  return Math.min(
    Math.ceil(seconds.length / concurrency) * longest,
    sum / concurrency + longest * (1 - 1 / concurrency),
  );
}

function fits(needs: SearchNeeds, limits: Omit<StackLimits, 'mergeDiskMb'>): boolean {
  const { diskMb, memoryMb, seconds } = rounded(needs);
  return diskMb <= limits.diskMb && memoryMb <= limits.memoryMb && seconds <= limits.seconds;
}

function rounded({ diskBytes, memoryBytes, seconds }: SearchNeeds) {
  return {
    // Beside what earlier searches left.
    diskMb: Math.ceil((diskBytes + MOST_KEPT_BYTES) / MIB),
    memoryMb: Math.ceil(memoryBytes / MIB),
    seconds: Math.ceil(seconds),
  };
}
