import * as z from 'zod/mini';
import { mapConcurrently } from '../../../base/concurrency/map-concurrently.ts';
import { DataError } from '../../../base/errors.ts';
import { checkDocument, parseJson } from '../../../base/text/document.ts';
import { type CatalogEntry, withoutReplaced } from '../../../database/catalog/catalog-entry.ts';
import { Database } from '../../../database/database.ts';
import { allBuckets, chooseBuckets, requirePValues } from '../../../search/in-place/ask-database.ts';
import { querySetFor } from '../../../search/in-place/ask-queries.ts';
import { requireAnswerFits } from '../../../search/in-place/ask-settings.ts';
import { IN_PLACE_MESSAGES } from '../../../search/in-place/in-place-messages.ts';
import {
  ASK_PLAN,
  type AskEvent,
  type AskPlan,
  type CallUsage,
  EMBEDDED,
  MOST_BUCKETS,
  REQUEST_EVENT,
} from '../ask-event.ts';
import { type Call, defineHandler, variable } from '../define-handler.ts';
import { readQueries, storeQueries, vectorsOf } from '../event-queries.ts';
import { LAMBDA_MESSAGES } from '../lambda-messages.ts';
import { checkQuestion, WrongQuestionError } from '../question-errors.ts';
import { requireStackFits, searchConcurrency, stackLimits } from '../question-limits.ts';
import { resultKeys } from '../result-keys.ts';
import type { ResultsBucket } from '../results-bucket.ts';

const READS_AT_ONCE = 16;

/** Checks a question and lists the buckets to search. A repeated call returns the plan of the first one. */
export const handler = defineHandler(
  'plan',
  REQUEST_EVENT,
  ({ execution }) => ({ execution }),
  async (event, call) => {
    const { execution, request } = event;
    const { results } = call;
    const key = resultKeys.plan(execution);
    const made = await makePlan(execution, request, call);
    if (await results.create(key, JSON.stringify(made), 'application/json')) return made;
    const first = Buffer.from((await results.read(key)) ?? []).toString();
    const fail = (problem: string) => new DataError(`${results.uri(key)}: ${problem}`);
    return checkDocument(ASK_PLAN, parseJson(first), fail);
  },
);

async function makePlan(execution: string, request: AskEvent, { results, usage }: Call): Promise<AskPlan> {
  const startedMs = Date.now();
  const key = await keyOfQueries(execution, request, results);
  const queries = await readQueries(results, key);
  await checkQuestion(() => requireAnswerFits(request.settings, queries.ids.length));
  const database = await Database.open(variable('LANCEFLOW_DATABASE'));
  const entries = await entriesToAsk(database, request.buckets);
  // Wrong queries fail here, once, and not in every bucket.
  await checkQuestion(() => {
    // Each query set is a copy of all vectors.
    for (const entry of entries) querySetFor(queries, entry);
    requirePValues(database.uri, entries, request.settings);
  });
  requireOneMetric(entries);
  const concurrency = searchConcurrency(request.concurrency);
  requireStackFits(entries, request.settings, queries.ids.length, concurrency, stackLimits());
  return {
    execution,
    queries: { key, count: queries.ids.length },
    settings: request.settings,
    buckets: entries.map(({ bucket, fingerprint }) => ({ name: bucket, fingerprint })),
    bucketCount: entries.length,
    concurrency,
    allowPartial: request.allowPartial,
    startedMs,
    calls: [...usageOf(request), usage()],
  };
}

/** Returns the usage of `embed`, if it was called. */
function usageOf({ embedded }: AskEvent): CallUsage[] {
  const found = z.safeParse(EMBEDDED, embedded);
  return found.success ? [found.data.Payload.usage] : [];
}

/** Returns the key of the queries, after storing those of the event. @throws WrongQuestionError unless it has one kind of queries */
async function keyOfQueries(
  execution: string,
  { sequences, vectors, stored }: AskEvent,
  results: ResultsBucket,
): Promise<string> {
  if ([sequences, vectors, stored].filter((source) => source !== undefined).length !== 1)
    throw new WrongQuestionError(LAMBDA_MESSAGES.twoSources);
  if (stored !== undefined) return stored;
  const key = resultKeys.queries(execution);
  if (vectors) await storeQueries(results, key, vectorsOf(vectors));
  return key;
}

async function entriesToAsk(database: Database, wanted: readonly string[] | undefined): Promise<CatalogEntry[]> {
  const all = await allBuckets(database);
  const names = await checkQuestion(() => chooseBuckets(database.uri, all, wanted));
  if (names.length > MOST_BUCKETS)
    throw new WrongQuestionError(LAMBDA_MESSAGES.manyBuckets(names.length, MOST_BUCKETS));
  return withoutReplaced(await mapConcurrently(names, READS_AT_ONCE, (name) => database.requireEntry(name)));
}

function requireOneMetric(entries: readonly CatalogEntry[]): void {
  const [first] = entries;
  const other = entries.find(({ metric }) => metric !== first!.metric);
  if (!other) return;
  const { bucket, metric } = other;
  throw new WrongQuestionError(IN_PLACE_MESSAGES.twoMetrics(bucket, metric, first!.bucket, first!.metric));
}
