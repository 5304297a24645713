import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { CommandContext } from '../command.ts';
import { type CatalogEntry, type IngestRecord, sourceKey } from '../core/catalog.ts';
import type { Metric } from '../core/metric.ts';
import type { PlanBucket, PlanSource } from '../core/plan.ts';
import type { ShardAttributes } from '../core/shard.ts';
import { columnText } from '../core/utf8-column.ts';
import { describeBadVector, findBadVector } from '../core/vector-check.ts';
import { DataError } from '../errors.ts';
import type { Database } from './database.ts';
import { withScratch } from './files.ts';
import { readBlocks, type ShardBlock } from './hdf5/shard-blocks.ts';
import { openShard, type ShardReader } from './hdf5/shard-reader.ts';
import { encodeBatch, tableSchema } from './lance/arrow-batch.ts';
import { currentFiles, publishTable } from './lance/table-files.ts';
import { appendIpc, createTable } from './lance/tables.ts';
import { startMeter } from './meter.ts';
import { toFloat32 } from './vectors.ts';
import { BUILD_ID } from './version.ts';

/** Vectors of one append: one fragment of the table. Larger ones need more memory and gain nothing. */
const FRAGMENT_BYTES = 64 * 2 ** 20;

export interface IngestOptions {
  dimension: number;
  metric: Metric;
  work: string | undefined;
}

/**
 * Writes a bucket's table in a scratch folder and moves it into the database. The caller holds the bucket's lock.
 * @returns the record, and whether there was nothing to do
 * @throws DataError where a shard is not what the plan says or holds rows that cannot be searched
 */
export async function ingestBucket(
  database: Database,
  bucket: PlanBucket,
  options: IngestOptions,
  context: CommandContext,
): Promise<{ record: IngestRecord; done: boolean }> {
  const name = bucket.bucket;
  const recipe = ingestRecipe(bucket.sources, options);
  const entry = await database.entry(name);
  if (entry && sourceKey(entry.sources) !== sourceKey(bucket.sources))
    throw new DataError(`${database.uri}: ${name} is there already, with other shards. Plan again with --database.`);
  const pending = await database.pendingRecord(name);
  if (pending && sourceKey(pending.sources) !== sourceKey(bucket.sources))
    throw new DataError(
      `${database.uri}: ${name} is planned by another build, with other shards. Plan again with --database.`,
    );
  const finished = pending ?? (entry && recordOf(entry));
  const target = join(database.uri, `${name}.lance`);
  if (finished?.state === 'ingested' && finished.recipe === recipe && (await exists(target)))
    return { record: finished, done: true };

  const meter = startMeter();
  const record = await withScratch(options.work ?? database.uri, name, async (scratch) => {
    const written = await writeTable(scratch, bucket, options, context);
    // From here to the new entry the bucket is not part of the database.
    await database.removeEntry(name);
    await database.writePending({ version: 1, state: 'planned', bucket: name, sources: bucket.sources });
    const from = join(scratch, `${name}.lance`);
    const dataBytes = await totalBytes(from);
    await publishTable(from, target);
    const table = { rows: bucket.rows, dimension: options.dimension, dataBytes, ...written };
    const { seconds, cpuSeconds } = meter.read();
    const ingested: IngestRecord = {
      version: 1,
      state: 'ingested',
      bucket: name,
      sources: bucket.sources,
      metric: options.metric,
      recipe,
      table,
      ingest: { seconds, cpuSeconds },
    };
    await database.writePending(ingested);
    return ingested;
  });
  return { record, done: false };
}

function ingestRecipe(sources: readonly PlanSource[], { dimension, metric }: IngestOptions): string {
  const parts = { build: BUILD_ID, sources: sourceKey(sources), dimension, metric };
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
}

/** What the ingest record of a bucket said that is in the catalog by now. */
export function recordOf(entry: CatalogEntry): IngestRecord {
  const { bucket, sources, recipe, rows, dimension, vectorType, model, tableVersion, metric } = entry;
  const dataBytes = entry.files
    .filter(({ path }) => path.startsWith('data/'))
    .reduce((sum, { bytes }) => sum + bytes, 0);
  const table = { rows, dimension, vectorType, model, dataBytes, tableVersion };
  return { version: 1, state: 'ingested', bucket, sources, metric, recipe, table, ingest: entry.steps.ingest };
}

async function writeTable(scratch: string, bucket: PlanBucket, options: IngestOptions, { progress }: CommandContext) {
  const schema = tableSchema(options.dimension);
  const table = await createTable(scratch, bucket.bucket, schema);
  const bar = progress(`ingesting ${bucket.bucket}`, bucket.rows, 'vectors');
  let model: ShardAttributes = {};
  // One append at a time keeps the rows in order; the next block is read and encoded meanwhile.
  let append: Promise<void> = Promise.resolve();
  try {
    for (const source of bucket.sources) {
      const shard = await openShard(source.path);
      try {
        requirePlanned(shard, source, options.dimension);
        if (Object.keys(model).length === 0) model = shard.attributes;
        const blockRows = Math.max(1, Math.floor(FRAGMENT_BYTES / (options.dimension * 4)));
        for await (const block of readBlocks(shard, { start: source.start, end: source.end, blockRows })) {
          const ipc = encodeBatch(schema, checkedVectors(shard, block, options.metric), block.ids);
          await append;
          append = appendIpc(table, ipc);
          append.catch(() => {}); // awaited below; an early failure must not end the process first
          bar.add(block.rows);
        }
      } finally {
        shard.close();
      }
    }
    await append;
    const rows = await table.countRows();
    if (rows !== bucket.rows)
      throw new Error(`${bucket.bucket}: ${rows} rows in the table, ${bucket.rows} in the plan`);
    return { model, vectorType: 'float32' as const, tableVersion: await table.version() };
  } finally {
    bar.stop();
    table.close();
  }
}

function requirePlanned(shard: ShardReader, source: PlanSource, dimension: number): void {
  if (shard.dimension !== dimension)
    throw new DataError(
      `${shard.path}: vectors of ${shard.dimension} components; the plan says ${dimension}. Plan again.`,
    );
  if (shard.rows < source.end || (source.rows !== undefined && shard.rows !== source.rows))
    throw new DataError(`${shard.path}: ${shard.rows} rows; the plan says ${source.rows ?? source.end}. Plan again.`);
}

/** A block's vectors as float32. @throws DataError for the first row that cannot be searched */
function checkedVectors(shard: ShardReader, block: ShardBlock, metric: Metric): Float32Array {
  const vectors = toFloat32(shard, block);
  const bad = findBadVector(vectors, block.rows, shard.dimension, metric);
  if (!bad) return vectors;
  throw new DataError(`${shard.path}: ${describeBadVector(bad, block.start, columnText(block.ids, bad.row))}.`);
}

async function totalBytes(folder: string): Promise<number> {
  let bytes = 0;
  for (const path of await currentFiles(folder))
    if (path.startsWith('data/')) bytes += (await stat(join(folder, path))).size;
  return bytes;
}

async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined;
}
