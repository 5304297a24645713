import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { CommandContext } from '../app/command.ts';
import { startMeter } from '../app/meter.ts';
import { BUILD_ID, LANCEFLOW_VERSION, lancedbVersion } from '../app/version.ts';
import { withScratch } from '../base/files/scratch.ts';
import {
  type CatalogEntry,
  fingerprint,
  type IndexDescription,
  type IngestRecord,
  type StepCost,
  type TableDescription,
} from '../database/catalog/catalog-entry.ts';
import { indexDiskBytes } from '../database/catalog/disk-needs.ts';
import { requireNotReplaced } from '../database/catalog/replaced-buckets.ts';
import type { Database } from '../database/database.ts';
import { keptRevision } from '../database/database-messages.ts';
import { recordOf } from '../database/record-of.ts';
import { addNulls } from '../database/revision/add-nulls.ts';
import { undoRevision } from '../database/revision/publish-revision.ts';
import { requireReplaceable } from '../database/table-state.ts';
import { describeFiles } from '../lance/describe-files.ts';
import { currentFiles, dataBytes, hasFiles, type TableFile } from '../lance/table-files.ts';
import { notAsIngested, notIngested } from './index-messages.ts';
import { type IndexKind, planIndex } from './index-plan.ts';
import { type IndexedTable, indexTable } from './index-table.ts';

export interface IndexOptions {
  kind: IndexKind;
  /** Maximum threads. */
  threads: number;
  /** Completes the catalog entry before it is written. */
  complete?: (entry: CatalogEntry) => CatalogEntry | Promise<CatalogEntry>;
}

/** The record of a bucket whose table is ingested. */
type Ingested = IngestRecord & { table: TableDescription };

/**
 * Indexes a bucket's table in a scratch folder that shares its files, publishes the index and writes the bucket's catalog entry.
 * The caller holds the bucket's lock.
 * @returns the catalog entry, and whether the bucket had this index already
 * @throws DataError if the bucket is not ingested, or another one replaced it
 */
export async function indexBucket(
  database: Database,
  bucket: string,
  { kind, threads, complete = (entry) => entry }: IndexOptions,
  lost: AbortSignal,
  { log, warn }: Pick<CommandContext, 'log' | 'warn'>,
): Promise<{ entry: CatalogEntry; done: boolean }> {
  const existing = await database.entry(bucket);
  const found = (await database.pendingRecord(bucket)) ?? existing;
  if (!found) await requireNotReplaced(database, bucket, undefined);
  const record = requireIngested(database, bucket, found);
  const { table, metric = 'cosine' } = record;
  if (existing) {
    await undoRevision(database, existing);
    await requireReplaceable(database, existing);
  }
  if (existing?.revision) {
    log(keptRevision(bucket));
    return { entry: await completeEntry(database, existing, lost, log), done: true };
  }
  const { index, notes } = planIndex(kind, table.rows, table.dimension, metric, orderedPartitions(table));
  const recipe = `${record.recipe}-${indexRecipe(index)}`;
  const { nodeTables, publisher, tables } = database;
  await publisher.removeLeftovers(bucket, existing?.files ?? table.files ?? []);
  const present = await tables.sizes(bucket);
  const isSame = existing?.recipe === record.recipe && existing?.indexRecipe === recipe;
  if (existing && isSame && hasFiles(present, existing.files)) {
    // A build that was killed after it wrote the entry leaves its ingest record.
    await database.removePending(bucket);
    return { entry: await completeEntry(database, existing, lost, log), done: true };
  }
  if (existing) await requireNotReplaced(database, bucket, existing);
  if (dataBytes(present) !== table.dataBytes) throw notAsIngested(database.uri, bucket);
  for (const note of notes) log(`${bucket}: ${note}.`);

  const meter = startMeter();
  const entry = await withScratch(nodeTables.scratch, bucket, async (scratch) => {
    const folder = join(scratch, `${bucket}.lance`);
    const bytes = indexDiskBytes(index, table.rows, table.dimension);
    const release = await nodeTables.reserve(scratch, bytes);
    const build = async () => {
      await nodeTables.mirror(record, folder);
      return publisher.publishEarly({ bucket, folder, bytes, lost }, (publish) =>
        indexTable({ database, bucket, scratch, ingested: table, index, threads, publish, warn }),
      );
    };
    const { result: indexed, files: early } = await build().finally(release);
    const known = [...(table.files ?? []), ...early];
    const files = await describeFiles(folder, await currentFiles(folder), known, threads);
    lost.throwIfAborted();
    // From here to the new entry the bucket is not part of the database. A build that is killed here continues from this record.
    await database.writePending(record);
    await database.removeEntry(bucket);
    await publisher.publishIndex({ bucket, folder, files, lost });
    const made = await complete(
      makeEntry(record, { ...indexed, index, indexRecipe: recipe, files, cost: meter.read() }),
    );
    lost.throwIfAborted();
    await database.writeEntry(made);
    await database.removePending(bucket);
    return made;
  });
  return { entry, done: false };
}

/** Adds what an earlier version did not measure. Reads no other entry where this one stays as it is: a replaced bucket is not entered anew. */
async function completeEntry(
  database: Database,
  entry: CatalogEntry,
  lost: AbortSignal,
  log: CommandContext['log'],
): Promise<CatalogEntry> {
  if (entry.nullDistances) return entry;
  await requireNotReplaced(database, entry.bucket, entry);
  return addNulls(database, entry, lost, { log });
}

function requireIngested(database: Database, bucket: string, found: IngestRecord | CatalogEntry | undefined): Ingested {
  const record = found && 'state' in found ? found : found && recordOf(found);
  if (record?.state === 'ingested' && record.table) return { ...record, table: record.table };
  throw notIngested(database.uri, bucket);
}

/** Returns the partition count of the rows' order, if LanceFlow can build the index over it: threads read the data files themselves. */
function orderedPartitions({ fragments, partitions }: TableDescription): number | undefined {
  return fragments && partitions?.count;
}

function indexRecipe(index: IndexDescription): string {
  return createHash('sha256')
    .update(JSON.stringify({ build: BUILD_ID, index }))
    .digest('hex')
    .slice(0, 16);
}

interface BuiltIndex extends IndexedTable {
  index: IndexDescription;
  indexRecipe: string;
  /** All files of the table. */
  files: TableFile[];
  cost: StepCost;
}

function makeEntry(
  { bucket, table, metric = 'cosine', sources, recipe, ingest }: Ingested,
  { index, indexRecipe, version: tableVersion, nullDistances, files, cost }: BuiltIndex,
): CatalogEntry {
  const { rows, dimension, vectorType, model, fragments, columns, residues, partitions } = table;
  const facts = { bucket, rows, metric, tableVersion, files, nullDistances };
  return {
    version: 1,
    ...facts,
    dimension,
    vectorType,
    model,
    index,
    ...(fragments ? { fragments } : {}),
    ...(columns ? { columns } : {}),
    ...(residues === undefined ? {} : { residues }),
    ...(partitions ? { partitions } : {}),
    sources,
    recipe: recipe!,
    indexRecipe,
    bytes: files.reduce((sum, { bytes }) => sum + bytes, 0),
    fingerprint: fingerprint(facts),
    steps: {
      ingest: ingest ?? { seconds: 0, cpuSeconds: 0 },
      index: { seconds: cost.seconds, cpuSeconds: cost.cpuSeconds },
    },
    software: { lanceflow: LANCEFLOW_VERSION, lancedb: lancedbVersion(), node: process.version },
    created: new Date().toISOString(),
  };
}
