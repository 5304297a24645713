import { DataError } from '../../../base/errors.ts';
import { checkDocument, parseJson } from '../../../base/text/document.ts';
import { mergeParts } from '../aggregate-parts.ts';
import { AGGREGATE_EVENT, ASK_RESULT, type AskResult } from '../ask-event.ts';
import { askDollars } from '../ask-price.ts';
import { checkParts } from '../check-parts.ts';
import { defineHandler } from '../define-handler.ts';
import { resultKeys } from '../result-keys.ts';
import type { ResultsBucket } from '../results-bucket.ts';

/** Step Functions runs more buckets than this in executions of their own. */
const LARGE = 40;

/**
 * Merges the answers of all buckets into CSV and Parquet on S3. The result is written last, so that a question has either a whole answer or
 * none; a repeated call returns it.
 */
export const handler = defineHandler(
  'aggregate',
  AGGREGATE_EVENT,
  ({ execution }) => ({ execution }),
  async (event, call): Promise<AskResult> => {
    const { execution, settings, queries, startedMs, bucketCount } = event;
    const { results } = call;
    const known = await findResult(results, execution);
    if (known) return known;
    const { parts, failed } = checkParts(event);
    const rows = await mergeParts({ execution, parts, failed, settings }, call);
    const calls = [...event.calls, ...parts.map(({ usage }) => usage), call.usage()];
    const result: AskResult = {
      execution,
      csv: results.uri(resultKeys.csv(execution)),
      parquet: results.uri(resultKeys.parquet(execution)),
      rows,
      queries: queries.count,
      settings,
      buckets: parts,
      vectors: sum(parts.map((part) => part.rows)),
      failed: failed.map(({ bucket, error }) => ({ bucket, error: error.message })),
      recall: {
        nprobes: sum(parts.map(({ nprobes }) => nprobes)),
        refineFactors: [...new Set(parts.map(({ refineFactor }) => refineFactor))].sort((a, b) => a - b),
      },
      read: { requests: sum(calls.map(({ requests }) => requests)), bytes: sum(calls.map(({ bytes }) => bytes)) },
      seconds: (Date.now() - startedMs) / 1000,
      dollars: askDollars(calls, parts.length, bucketCount > LARGE),
    };
    if (await results.create(resultKeys.result(execution), JSON.stringify(result), 'application/json')) return result;
    return (await findResult(results, execution)) ?? result;
  },
);

async function findResult(results: ResultsBucket, execution: string): Promise<AskResult | undefined> {
  const key = resultKeys.result(execution);
  const text = await results.read(key);
  if (text === undefined) return undefined;
  const fail = (problem: string) => new DataError(`${results.uri(key)}: ${problem}`);
  return checkDocument(ASK_RESULT, parseJson(Buffer.from(text).toString()), fail);
}

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
