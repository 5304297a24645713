import type { Table } from '@lancedb/lancedb';
import type { CommandContext } from '../app/command.ts';
import { DataError, TransientError } from '../base/errors.ts';
import { withScratch } from '../base/files/scratch.ts';
import { withBucketLock } from '../database/bucket-lock.ts';
import { bucketName, bucketNumber } from '../database/catalog/bucket-name.ts';
import type { PlanSource } from '../database/catalog/bucket-plan.ts';
import type { CatalogEntry } from '../database/catalog/catalog-entry.ts';
import type { Database } from '../database/database.ts';
import { changedMeanwhile } from '../database/database-messages.ts';
import { undoRevision } from '../database/revision/publish-revision.ts';
import { versionsIn } from '../database/table-history.ts';
import { openVersion, requireUnchanged } from '../database/table-state.ts';
import { type IndexOptions, indexBucket } from '../index/build-index.ts';
import { DEFAULT_INDEX, type IndexKind } from '../index/index-plan.ts';
import { ingestBucket } from '../ingest/build-table.ts';
import { exportRows } from './export-rows.ts';
import { EXPORTED_ROWS, finishReplacements, replacementOf } from './replacement.ts';
import { changedByClient } from './upkeep-messages.ts';

export interface RebuildOptions {
  threads: number;
  /** Is aborted when the lock of `withReplacements` is lost: another process may then remove what this one has begun. */
  lost: AbortSignal;
  /** Default: the kind of the first bucket. */
  index?: IndexKind | undefined;
  /** Opens a bucket's table. Default: at the catalog's version, which must be the newest. */
  open?: typeof openNewest;
  /** Whether another client has changed rows of the buckets. Default: false. */
  isAdopted?: boolean;
}

/**
 * Writes the rows of buckets into a new one, which replaces them in one step: its entry names them. Vectors are not embedded again. Can be
 * killed at any moment. Is called within `withReplacements`.
 * @param buckets of one metric, dimension, vector type and model
 */
export async function rebuildBuckets(
  database: Database,
  buckets: readonly string[],
  options: RebuildOptions,
  context: CommandContext,
): Promise<CatalogEntry> {
  const entry = await withLocks(database, buckets, [options.lost], async (signals) => {
    const replaced = await Promise.all(buckets.map((bucket) => database.requireEntry(bucket)));
    for (const each of replaced) await undoRevision(database, each);
    return withScratch(database.nodeTables.scratch, EXPORTED_ROWS, async (scratch) => {
      const { sources, versions } = await exportAll(database, replaced, scratch, options.open ?? openNewest, context);
      const bucket = await reserveName(database, sources);
      const complete = async (made: CatalogEntry) => {
        await requireNoNewer(database, versions);
        return replacementOf(made, replaced, options.isAdopted ?? false);
      };
      return withBucketLock(database, bucket, (signal) => {
        const lost = AbortSignal.any([...signals, signal]);
        return build(database, bucket, sources, replaced, { ...options, complete }, lost, context);
      });
    });
  });
  await finishReplacements(database);
  return entry;
}

async function build(
  database: Database,
  bucket: string,
  sources: PlanSource[],
  replaced: readonly CatalogEntry[],
  { threads, index, complete }: RebuildOptions & Required<Pick<IndexOptions, 'complete'>>,
  lost: AbortSignal,
  context: CommandContext,
): Promise<CatalogEntry> {
  const [{ dimension, metric, vectorType, index: built }] = replaced as [CatalogEntry];
  const rows = sources.reduce((sum, source) => sum + source.rows, 0);
  const layout = { dimension, metric, vectorType, order: 'partition', threads, isCopy: true } as const;
  await ingestBucket(database, { bucket, rows, sources }, layout, lost, context);
  const kind = index ?? (built.kind === 'none' ? DEFAULT_INDEX : built.kind);
  return (await indexBucket(database, bucket, { kind, threads, complete }, lost, context)).entry;
}

/** Opens a bucket's table. @throws DataError if another client wrote a version, which may have more columns */
async function openNewest(database: Database, entry: CatalogEntry): Promise<Table> {
  const state = await requireUnchanged(database, entry);
  if ('version' in state) throw new DataError(changedByClient(database.uri, entry.bucket, state.version));
  return openVersion(database, entry);
}

async function exportAll(
  database: Database,
  entries: readonly CatalogEntry[],
  folder: string,
  open: typeof openNewest,
  { progress }: CommandContext,
): Promise<{ sources: PlanSource[]; versions: Map<string, number> }> {
  const rows = entries.reduce((sum, entry) => sum + entry.rows, 0);
  const bar = progress('reading rows', rows, 'vectors');
  const sources: PlanSource[] = [];
  const versions = new Map<string, number>();
  try {
    for (const entry of entries) {
      const table = await open(database, entry);
      versions.set(entry.bucket, await table.version());
      sources.push(...(await exportRows(table, entry, folder, bar).finally(() => table.close())));
    }
  } finally {
    bar.stop();
  }
  return { sources: sources.map((source, shard) => ({ ...source, shard })), versions };
}

/**
 * Checks that no other client wrote a version after the one whose rows were exported: they would be lost with the table.
 * @param versions by bucket
 * @throws TransientError
 */
async function requireNoNewer(database: Database, versions: ReadonlyMap<string, number>): Promise<void> {
  for (const [bucket, version] of versions) {
    const present = versionsIn((await database.tables.sizes(bucket, '_versions/')).keys());
    if (Math.max(...present.keys()) > version) throw new TransientError(changedMeanwhile(database.uri, bucket));
  }
}

async function reserveName(database: Database, sources: PlanSource[]): Promise<string> {
  const others = [...(await database.allEntries()), ...(await database.pending())];
  let last = Math.max(0, ...others.map(({ bucket }) => bucketNumber(bucket)));
  for (;;) {
    const bucket = bucketName(++last);
    const record = { version: 1 as const, state: 'planned' as const, bucket, sources };
    if (await database.createPending(record)) return bucket;
  }
}

/** Runs `use` with the locks of several buckets, which are acquired in the order of their names. */
function withLocks<T>(
  database: Database,
  buckets: readonly string[],
  signals: readonly AbortSignal[],
  use: (signals: readonly AbortSignal[]) => Promise<T>,
): Promise<T> {
  const [first, ...others] = [...buckets].sort();
  if (first === undefined) return use(signals);
  return withBucketLock(database, first, (lost) => withLocks(database, others, [...signals, lost], use));
}
