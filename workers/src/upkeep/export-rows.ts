import { join } from 'node:path';
import type { Table } from '@lancedb/lancedb';
import type { Progress } from '../app/progress.ts';
import { columnLength } from '../base/bytes/utf8-column.ts';
import { DataError } from '../base/errors.ts';
import type { CatalogEntry } from '../database/catalog/catalog-entry.ts';
import type { PlanSource } from '../database/catalog/plan.ts';
import { readRows } from '../lance/read-table.ts';
import { describeShard } from '../shard/description-file.ts';
import { createShard } from '../shard/shard-writer.ts';
import { noRowsLeft, notATable } from './upkeep-messages.ts';

/** Returns the path of the shard with the rows of a bucket. `isExported` recognizes it. */
function shardPath(folder: string, bucket: string): string {
  return join(folder, `rows-of-${bucket}.h5`);
}

/** Returns whether a source is a shard of `exportRows`. */
export function isExported({ path }: Pick<PlanSource, 'path'>): boolean {
  return /(^|\/)rows-of-[^/]+\.h5$/.test(path);
}

/**
 * Writes the rows of a table that are not deleted into a shard, from which they are ingested again. Memory does not grow with the rows.
 * @param table at the version to export
 * @param index of the shard in the bucket plan
 * @throws DataError for a table of another client that has no vectors of the bucket's dimension, or no ids
 */
export async function exportRows(
  table: Table,
  { bucket, dimension, vectorType, model }: CatalogEntry,
  folder: string,
  index: number,
  progress: Progress,
): Promise<PlanSource> {
  const path = shardPath(folder, bucket);
  const shard = await createShard(path, dimension, vectorType);
  try {
    for await (const { ids, vectors } of readRows(table, dimension, vectorType)) {
      if (!ids || !vectors) throw new DataError(notATable(bucket, dimension, vectorType));
      shard.append(vectors, ids);
      progress.add(columnLength(ids));
    }
    if (shard.rows === 0) throw new DataError(noRowsLeft(bucket));
    shard.finish(model);
  } catch (error) {
    await shard.abandon();
    throw error;
  }
  const { rows, contentHash } = await describeShard(path, () => {});
  return { shard: index, path, rows, start: 0, end: rows, contentHash, vectorType };
}
