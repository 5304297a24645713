import { createHash } from 'node:crypto';
import { basename, join } from 'node:path';
import type { CommandContext } from '../app/command.ts';
import { startMeter } from '../app/meter.ts';
import { BUILD_ID } from '../app/version.ts';
import { withScratch } from '../base/files/scratch.ts';
import { describeUneven } from '../bucket/partition-check.ts';
import { type PlanBucket, type PlanSource, withShards } from '../database/catalog/bucket-plan.ts';
import {
  type CatalogEntry,
  type IngestRecord,
  sourceKey,
  type TableDescription,
  withoutReplaced,
} from '../database/catalog/catalog-entry.ts';
import { ID_BYTES, ingestDiskBytes, keptBytes } from '../database/catalog/disk-needs.ts';
import { requireNotReplaced } from '../database/catalog/replaced-buckets.ts';
import type { Database } from '../database/database.ts';
import { keptRevision } from '../database/database-messages.ts';
import { ASSIGNER_VERSION, describePartitions, writePartitions } from '../database/partitions.ts';
import { recordOf } from '../database/record-of.ts';
import { undoRevision } from '../database/revision/publish-revision.ts';
import { requireRowsOnce } from '../database/rows-once.ts';
import { requireReplaceable } from '../database/table-state.ts';
import { dataBytes } from '../lance/table-files.ts';
import type { Metric } from '../vectors/metric.ts';
import { COMPONENT_BYTES, type VectorType } from '../vectors/vector-type.ts';
import { bucketOfOtherPlan, bucketOfOtherShards, otherMetric } from './ingest-messages.ts';
import { type TableOutput, writeTable } from './write-table.ts';

/** Reading all of a smaller bucket takes no longer than ranking its partitions. */
const LEAST_ROWS_TO_ORDER = 1024;

export const ROW_ORDERS = ['partition', 'none'] as const;
export type RowOrder = (typeof ROW_ORDERS)[number];

export interface IngestOptions {
  dimension: number;
  metric: Metric;
  vectorType: VectorType;
  order: RowOrder;
  /** Threads to use at most. */
  threads: number;
  /** Paths at which the shards are read, if not those of the plan, which the catalog keeps. */
  shards?: readonly string[] | undefined;
  /** Set for rows that are copied from another bucket, which this one will replace: they may be in both. */
  isCopy?: boolean;
  /** Partitions of the order. Default: the square root of the rows. Benchmarks give small buckets as many as large ones have. */
  partitionCount?: number;
}

/**
 * Builds a bucket's table in a scratch folder and moves it into the database. The caller holds the bucket's lock.
 * @returns the record, whether the table existed already, and warnings about its partitions
 * @throws UsageError for another number of `shards` than sources; DataError where a shard is not what the plan says or holds rows that cannot be searched, or another bucket has the rows
 */
export async function ingestBucket(
  database: Database,
  bucket: PlanBucket,
  options: IngestOptions,
  lost: AbortSignal,
  context: CommandContext,
): Promise<{ record: IngestRecord; done: boolean; warnings: string[] }> {
  const name = bucket.bucket;
  const staged = withShards(bucket, options.shards);
  const recipe = ingestRecipe(bucket.sources, options);
  const entry = await database.entry(name);
  const pending = await database.pendingRecord(name);
  requireOwnName(database, bucket, entry, pending);
  const all = await database.allEntries();
  const entries = withoutReplaced(all);
  if (entry) await requireNotReplaced(database, name, entry, all);
  else if (!options.isCopy) await requireRowsOnce(database, name, bucket.sources, entries);
  await requireOneMetric(database, name, options.metric, entries);
  const { tables, publisher, nodeTables } = database;
  // Changes of another client must not be lost silently.
  if (entry) {
    await undoRevision(database, entry);
    await requireReplaceable(database, entry);
  }
  // A table of all rows of the sources would bring deleted rows back.
  if (entry?.revision) {
    context.log(keptRevision(name));
    return { record: recordOf(entry), done: true, warnings: [] };
  }
  const finished = pending ?? (entry && recordOf(entry));
  if (finished?.state === 'ingested' && finished.recipe === recipe) {
    await publisher.removeLeftovers(name, entry?.files ?? finished.table?.files ?? []);
    if (dataBytes(await tables.sizes(name)) === finished.table?.dataBytes)
      return { record: finished, done: true, warnings: [] };
  }

  const meter = startMeter();
  const planned: IngestRecord = { version: 1, state: 'planned', bucket: name, sources: bucket.sources };
  const warnings: string[] = [];
  const record = await withScratch(nodeTables.scratch, name, async (scratch) => {
    const columnBytes = keptBytes(bucket.sources);
    const needed = ingestDiskBytes(bucket.rows, options.dimension, options, columnBytes);
    const release = await nodeTables.reserve(scratch, needed);
    const folder = join(scratch, `${name}.lance`);
    const bytes = bucket.rows * (options.dimension * COMPONENT_BYTES[options.vectorType] + ID_BYTES) + columnBytes;
    const built = publisher.publishEarly({ bucket: name, folder, bytes, lost }, (publish) =>
      buildTable({ scratch, recipe, publish }, staged, options, context),
    );
    const { table, warning } = (await built.finally(release)).result;
    if (warning !== undefined) warnings.push(`${name}: ${warning}`);
    lost.throwIfAborted();
    // From here to the new entry the bucket is not part of the database.
    await database.writePending(planned);
    await database.removeEntry(name);
    const { files = [] } = table;
    const { path } = table.partitions ?? {};
    const partitions = path === undefined ? undefined : { file: join(scratch, basename(path)), path };
    const published = await publisher.publishRows({ bucket: name, folder, recipe, files, partitions, lost });
    const { seconds, cpuSeconds } = meter.read();
    const { metric } = options;
    const ingested: IngestRecord = {
      ...planned,
      state: 'ingested',
      metric,
      recipe,
      table: { ...table, ...published },
      ingest: { seconds, cpuSeconds },
    };
    await database.writePending(ingested);
    return ingested;
  });
  for (const warning of warnings) context.warn(`${warning}.`);
  return { record, done: false, warnings };
}

function requireOwnName(database: Database, bucket: PlanBucket, entry?: CatalogEntry, pending?: IngestRecord): void {
  const own = sourceKey(bucket.sources);
  if (entry && sourceKey(entry.sources) !== own) throw bucketOfOtherShards(database.uri, bucket.bucket);
  if (pending && sourceKey(pending.sources) !== own) throw bucketOfOtherPlan(database.uri, bucket.bucket);
}

/** Distances of two metrics cannot be ranked together. */
async function requireOneMetric(
  database: Database,
  bucket: string,
  metric: Metric,
  entries: readonly CatalogEntry[],
): Promise<void> {
  const others = [...entries, ...(await database.pending())].filter((other) => other.bucket !== bucket);
  for (const other of others)
    if (other.metric !== undefined && other.metric !== metric)
      throw otherMetric(database.uri, bucket, metric, { bucket: other.bucket, metric: other.metric });
}

/** Hashes everything that the table's content depends on. */
function ingestRecipe(
  sources: readonly PlanSource[],
  { threads: _, isCopy: __, shards: ___, ...options }: IngestOptions,
): string {
  const kept = sources.map(({ columns, values }) => ({ columns, values }));
  const keeping = kept.some(({ columns, values }) => columns || values) ? { kept } : {};
  const parts = { build: BUILD_ID, assigner: ASSIGNER_VERSION, sources: sourceKey(sources), ...keeping, ...options };
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
}

async function buildTable(
  output: TableOutput,
  bucket: PlanBucket,
  options: IngestOptions,
  context: CommandContext,
): Promise<{ table: TableDescription; warning?: string | undefined }> {
  const { dimension, vectorType, order } = options;
  const { bucket: name, rows } = bucket;
  const isOrdered = order === 'partition' && rows >= LEAST_ROWS_TO_ORDER;
  const { scratch, recipe } = output;
  const written = await writeTable(output, bucket, { ...options, isOrdered }, context);
  const { columns, residues, tableVersion, model, fragments, files, partitions } = written;
  const table: TableDescription = {
    rows,
    dimension,
    vectorType,
    model,
    dataBytes: files.reduce((sum, { bytes }) => sum + bytes, 0),
    tableVersion,
    fragments,
    ...(columns.length > 0 ? { columns } : {}),
    ...(residues === undefined ? {} : { residues }),
    files,
  };
  if (!partitions) return { table };
  const { centroids, partitionRows } = partitions;
  const path = `_partitions/${name}-${recipe.slice(0, 12)}.arrow`;
  const file = join(scratch, basename(path));
  await writePartitions(file, centroids, partitionRows);
  const description = await describePartitions(file, path, centroids.count);
  const warning = await describeUneven(scratch, name, centroids, partitionRows);
  return { table: { ...table, partitions: description }, warning };
}
