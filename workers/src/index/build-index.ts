import { createHash } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { startMeter } from '../app/meter.ts';
import { createProgress } from '../app/progress.ts';
import { BUILD_ID, LANCEDB_VERSION, LANCEFLOW_VERSION } from '../app/version.ts';
import { withScratch } from '../base/files/scratch.ts';
import {
  type CatalogEntry,
  fingerprint,
  type IndexDescription,
  type IngestRecord,
  type TableDescription,
} from '../database/catalog/catalog-entry.ts';
import { indexDiskBytes } from '../database/catalog/disk-needs.ts';
import type { Database } from '../database/database.ts';
import { readPartitions } from '../database/partitions.ts';
import { recordOf } from '../database/record-of.ts';
import { requireReplaceable } from '../database/table-state.ts';
import { describeFiles } from '../lance/describe-files.ts';
import { Index } from '../lance/lancedb.ts';
import { currentFiles, dataBytes, hasFiles } from '../lance/table-files.ts';
import { openTable } from '../lance/tables.ts';
import { buildIvfRq } from './build-ivf-rq.ts';
import { checkIndex } from './check-index.ts';
import { newerForm, notAsIngested, notIngested, otherRowCount } from './index-messages.ts';
import { type IndexKind, planIndex } from './index-plan.ts';
import { rewriteInOlderForm } from './older-form/rewrite-in-older-form.ts';

/**
 * Indexes a bucket's table in a scratch folder that shares its files, publishes the index and writes the bucket's catalog entry.
 * The caller holds the bucket's lock.
 * @returns the catalog entry, and whether the bucket had this index already
 * @throws DataError if the bucket is not ingested
 */
export async function indexBucket(
  database: Database,
  bucket: string,
  kind: IndexKind,
  lost: AbortSignal,
  log: (message: string) => void,
): Promise<{ entry: CatalogEntry; done: boolean }> {
  const existing = await database.entry(bucket);
  const record = (await database.pendingRecord(bucket)) ?? (existing && recordOf(existing));
  const { table: ingested, metric = 'cosine' } = requireIngested(database, bucket, record);
  const { rows, dimension } = ingested;
  if (existing) await requireReplaceable(database, existing);
  const { index, notes } = planIndex(kind, rows, dimension, metric, orderedPartitions(ingested));
  const recipe = `${record!.recipe}-${indexRecipe(index)}`;
  const { tables, publisher, nodeTables } = database;
  const present = await tables.sizes(bucket);
  const sameIndex = existing?.recipe === record!.recipe && existing?.indexRecipe === recipe;
  if (existing && sameIndex && hasFiles(present, existing.files)) {
    // A build that was killed after it wrote the entry leaves its ingest record.
    await database.removePending(bucket);
    await publisher.removeLeftovers(bucket);
    return { entry: existing, done: true };
  }
  if (dataBytes(present) !== ingested.dataBytes) throw notAsIngested(database.uri, bucket);
  for (const note of notes) log(`${bucket}: ${note}.`);

  const meter = startMeter();
  const entry = await withScratch(nodeTables.scratch, bucket, async (scratch) => {
    const folder = join(scratch, `${bucket}.lance`);
    const release = await nodeTables.reserve(scratch, indexDiskBytes(index, rows, dimension));
    const make = async () => {
      await nodeTables.mirror(record!, folder);
      return withTemporaryFiles(join(scratch, 'tmp'), () =>
        buildIndex(database, scratch, bucket, ingested, index, log),
      );
    };
    const tableVersion = await make().finally(release);
    const files = await describeFiles(folder, await currentFiles(folder), ingested.files);
    lost.throwIfAborted();
    // Between here and the new entry the bucket is not part of the database; killed here, it goes on from this record.
    await database.writePending(record!);
    await database.removeEntry(bucket);
    await publisher.publishIndex({ bucket, folder, files, lost });
    const { seconds, cpuSeconds } = meter.read();
    const facts = { bucket, rows: ingested.rows, metric, tableVersion, files };
    const made: CatalogEntry = {
      version: 1,
      ...facts,
      dimension: ingested.dimension,
      vectorType: ingested.vectorType,
      model: ingested.model,
      index,
      ...(ingested.fragments ? { fragments: ingested.fragments } : {}),
      ...(ingested.partitions ? { partitions: ingested.partitions } : {}),
      sources: record!.sources,
      recipe: record!.recipe!,
      indexRecipe: recipe,
      bytes: files.reduce((sum, { bytes }) => sum + bytes, 0),
      fingerprint: fingerprint(facts),
      steps: { ingest: record!.ingest ?? { seconds: 0, cpuSeconds: 0 }, index: { seconds, cpuSeconds } },
      software: { lanceflow: LANCEFLOW_VERSION, lancedb: LANCEDB_VERSION, node: process.version },
      created: new Date().toISOString(),
    };
    lost.throwIfAborted();
    await database.writeEntry(made);
    await database.removePending(bucket);
    return made;
  });
  return { entry, done: false };
}

function requireIngested(database: Database, bucket: string, record: IngestRecord | undefined) {
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

/**
 * Sets the temporary folder while `use` runs: LanceDB shuffles rows through files there, and the system's own is small on many
 * machines and keeps them after a kill. LanceDB reads the variable each time.
 */
async function withTemporaryFiles<T>(folder: string, use: () => Promise<T>): Promise<T> {
  const before = process.env.TMPDIR;
  await mkdir(folder);
  process.env.TMPDIR = folder;
  try {
    return await use();
  } finally {
    if (before === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = before;
  }
}

/** @returns the table's version */
async function buildIndex(
  database: Database,
  folder: string,
  bucket: string,
  ingested: TableDescription,
  index: IndexDescription,
  log: (message: string) => void,
): Promise<number> {
  await createIndex(database, folder, bucket, ingested, index);
  const lance = join(folder, `${bucket}.lance`);
  if (index.kind === 'ivf-rq' && index.centroids !== 'order' && !(await rewriteInOlderForm(lance)))
    log(newerForm(bucket));
  // Opened again: an open table caches its index.
  const table = await openTable(folder, bucket);
  try {
    const warning = index.kind === 'none' ? undefined : await checkIndex(table, lance, bucket, ingested, index);
    if (warning !== undefined) log(`${bucket}: ${warning}.`);
    return await table.version();
  } finally {
    table.close();
  }
}

async function createIndex(
  database: Database,
  folder: string,
  bucket: string,
  ingested: TableDescription,
  index: IndexDescription,
): Promise<void> {
  const table = await openTable(folder, bucket);
  try {
    // The scratch folder lacks the old index's files: its entry is removed first.
    for (const { name } of await table.listIndices()) await table.dropIndex(name);
    if (index.centroids === 'order') {
      const partitions = await readPartitions(database, ingested.partitions!, ingested);
      const progress = createProgress(`index ${bucket}`, ingested.rows, 'rows');
      try {
        const ordered = { folder: join(folder, `${bucket}.lance`), fragments: ingested.fragments!, partitions };
        await buildIvfRq({ ...ingested, ...ordered }, index.metric, progress);
      } finally {
        progress.stop();
      }
    }
    const rows = await table.countRows();
    if (rows !== ingested.rows) throw otherRowCount(database.uri, bucket, rows, ingested.rows);
    const config = indexConfig(index);
    if (config) await table.createIndex('embedding', { config, replace: false });
  } finally {
    table.close();
  }
}

/** Returns the index for LanceDB to build; undefined if there is none, or LanceFlow has built it. */
function indexConfig(index: IndexDescription): Index | undefined {
  const { kind, metric, partitions, subVectors, centroids, parameters } = index;
  if (centroids === 'order') return undefined;
  const common = { numPartitions: partitions, distanceType: metric, ...parameters };
  if (kind === 'ivf-pq') return Index.ivfPq({ ...common, ...(subVectors ? { numSubVectors: subVectors } : {}) });
  if (kind === 'ivf-rq') return Index.ivfRq(common);
  return undefined;
}
