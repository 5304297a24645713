import type { CommandContext, CommandResult } from '../../app/command.ts';
import type { Column } from '../../base/columns/column-type.ts';
import { mapConcurrently } from '../../base/concurrency/map-concurrently.ts';
import { counted } from '../../base/text/counted.ts';
import { formatDollars } from '../../base/text/format-dollars.ts';
import { askedColumns } from '../../database/catalog/asked-columns.ts';
import { type CatalogEntry, withoutReplaced } from '../../database/catalog/catalog-entry.ts';
import { Database } from '../../database/database.ts';
import type { ShardAttributes } from '../../shard/shard.ts';
import { addColumns } from './add-columns.ts';
import { ask, bucketsToAsk, requirePValues } from './ask-database.ts';
import type { AskRequest } from './ask-options.ts';
import type { AskQueries } from './ask-queries.ts';
import type { ReadCost } from './bucket-answer.ts';
import { loadById } from './load-by-id.ts';
import { AWS_PRICES, readingCost } from './output/aws-prices.ts';
import { answerMetadata } from './output/partial-answer.ts';
import { writeAnswer } from './output/write-answer.ts';
import type { ReadCounts } from './reads/counted-tables.ts';
import { closeWarmBuckets } from './warm-buckets.ts';

const ENTRIES_AT_ONCE = 16;

/** A database that is asked. */
export interface AskedDatabase {
  database: Database;
  /** Of the buckets to ask, sorted. */
  names: string[];
  /** Attributes of the model of the first bucket. */
  model: ShardAttributes;
  /** Kept columns to add to the neighbours, or to write as FASTA. */
  columns: readonly Column[];
}

/** The report of `ask`. */
export interface AskReport extends CommandResult {
  queries: number;
  k: number;
  /** Buckets that answered, and how. */
  buckets: Array<
    ReadCost & { bucket: string; fingerprint: string; strategy: string; nprobes: number; refineFactor: number }
  >;
  vectors: number;
  /** Buckets that failed, with --allow-partial. */
  failed: Array<{ bucket: string; error: string }>;
  /** What finding the protein of --id read, on S3. */
  lookup?: ReadCounts;
  /** What the kept columns of the neighbours read, on S3: an estimate. */
  columns?: ReadCounts;
  /** Of the lookup, of all buckets and of the columns. */
  readRequests: number;
  readBytes: number;
  /** Whether LanceDB made some of these requests itself, which are estimated. */
  isEstimated: boolean;
  dollars: number;
  /** Whether functions on AWS answered; `dollars` then includes their price. */
  remote?: boolean;
}

/**
 * Opens the database of a request.
 * @throws DataError if it has no buckets, or not all that are named, or for a largest E-value where hits of any have no p-values; UsageError for a
 *   column that none of them has
 */
export async function openAsked(
  uri: string,
  { settings, options, output, columns }: AskRequest,
): Promise<AskedDatabase> {
  const database = await Database.open(uri);
  const names = await bucketsToAsk(database, options.buckets);
  const { model } = await database.requireEntry(names[0]!);
  const isFasta = output.format === 'fasta';
  const hasColumns = columns.length > 0 || isFasta;
  if (!hasColumns && settings.maxEvalue === undefined) return { database, names, model, columns: [] };
  const entries = await mapConcurrently(names, ENTRIES_AT_ONCE, (name) =>
    database.requireEntry(name).catch((error: unknown) => {
      // Its search fails in the same way.
      if (options.allowPartial) return undefined;
      throw error;
    }),
  );
  const known = withoutReplaced(entries.filter((entry) => entry !== undefined));
  requirePValues(database.uri, known, settings);
  const asked = hasColumns ? askedColumns(database.uri, known, columns, isFasta).fetched : [];
  return { database, names, model, columns: asked };
}

/** Reads the stored vector of a protein. @throws DataError if the database has none of this id */
export async function loadStored(
  { database }: AskedDatabase,
  id: string,
  { progress }: CommandContext,
): Promise<AskQueries> {
  const entries: CatalogEntry[] = await database.entries();
  const bar = progress(
    'finding the id',
    entries.reduce((sum, { rows }) => sum + rows, 0),
    'ids',
  );
  return loadById(database, entries, id, bar).finally(() => bar.stop());
}

/** Asks a database, and writes the neighbours; nothing is written before all buckets have answered. */
export async function askAndWrite(
  { database, names, columns }: AskedDatabase,
  queries: AskQueries,
  { settings, options, output }: AskRequest,
  { warn }: CommandContext,
): Promise<AskReport> {
  try {
    const hasRowIds = columns.length > 0;
    const { answers, merge, failed } = await ask(database, queries, settings, {
      ...options,
      buckets: names,
      hasRowIds,
    });
    // Checked before the first line is printed.
    const found = merge.neighbours(settings.maxEvalue);
    const counts = { requests: 0, bytes: 0 };
    const fingerprints = new Map(answers.map(({ bucket, fingerprint }) => [bucket, fingerprint]));
    const neighbours = hasRowIds ? addColumns(found, { database, fingerprints, columns, counts }) : found;
    let rows = 0;
    const countRows = async function* () {
      for await (const batch of neighbours) {
        rows += batch.ranks.length;
        yield batch;
      }
    };
    const metadata = answerMetadata(settings, failed);
    const answer = { neighbours: countRows(), extra: [...merge.extra, ...columns], failed };
    const bytes = await writeAnswer(answer, output, metadata, warn);
    for (const { error } of failed) warn(error.message);
    const { lookup } = queries;
    const read = {
      requests: answers.reduce((sum, { cost }) => sum + cost.requests, (lookup?.requests ?? 0) + counts.requests),
      bytes: answers.reduce((sum, { cost }) => sum + cost.bytes, (lookup?.bytes ?? 0) + counts.bytes),
    };
    return {
      rows,
      bytes,
      queries: queries.ids.length,
      k: settings.k,
      buckets: answers.map(({ bucket, fingerprint, strategy, nprobes, refineFactor, cost }) => ({
        ...{ bucket, fingerprint, strategy, nprobes, refineFactor },
        ...cost,
      })),
      vectors: answers.reduce((sum, answer) => sum + answer.rows, 0),
      failed: failed.map(({ bucket, error }) => ({ bucket, error: error.message })),
      ...(lookup && { lookup }),
      ...(counts.requests > 0 && { columns: counts }),
      readRequests: read.requests,
      readBytes: read.bytes,
      isEstimated: counts.requests > 0 || answers.some(({ cost }) => cost.isEstimated),
      dollars: readingCost(read).inRegion,
    };
  } finally {
    // Before the process ends: the copies are files.
    await closeWarmBuckets();
  }
}

/** Summarizes an answer in a line, and what reading it took. */
export function askSummary(report: AskReport): string {
  const { rows, queries, buckets, vectors, failed, readRequests } = report;
  const from = `${buckets.length} of ${counted(buckets.length + failed.length, 'bucket')} (${counted(vectors, 'vector')})`;
  const read =
    readRequests === 0 ? '' : `; ${readSummary(report)} (prices of ${AWS_PRICES.date}, ${AWS_PRICES.region})`;
  return `ask: ${counted(rows, 'neighbour')} of ${counted(queries, 'query')} from ${from}${read}`;
}

function readSummary({ readRequests, readBytes, isEstimated, dollars, remote }: AskReport): string {
  const about = isEstimated ? 'about ' : '';
  const read = `read ${about}${(readBytes / 1e6).toFixed(2)} MB in ${counted(readRequests, 'request')}`;
  if (remote) return `${read}: ${formatDollars(dollars)} for Lambda, Step Functions and S3`;
  const { inRegion, outside } = readingCost({ requests: readRequests, bytes: readBytes });
  return `${read}: ${formatDollars(inRegion)} in the region, ${formatDollars(outside)} outside AWS`;
}
