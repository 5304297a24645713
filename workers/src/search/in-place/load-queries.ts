import type { Progress } from '../../app/progress.ts';
import { concatenateFloats } from '../../base/bytes/concatenate-floats.ts';
import { columnTexts } from '../../base/bytes/utf8-column.ts';
import { DataError } from '../../base/errors.ts';
import { quoteValue } from '../../base/text/quote.ts';
import type { CatalogEntry } from '../../database/catalog/catalog-entry.ts';
import type { Database } from '../../database/database.ts';
import { modelIdentity } from '../../shard/shard.ts';
import { readBlocks, rowsPerBlock, toFloat32 } from '../../shard/shard-blocks.ts';
import { openShard } from '../../shard/shard-reader.ts';
import type { AskQueries } from './ask-queries.ts';
import { MOST_QUERIES } from './ask-settings.ts';
import { findId } from './find-id.ts';
import { IN_PLACE_MESSAGES } from './in-place-messages.ts';
import { countedTables } from './reads/counted-tables.ts';

const READ_BYTES = 8 * 2 ** 20;

/**
 * Reads query sets into memory.
 * @throws DataError for a shard that cannot be read, or shards of two dimensions
 */
export async function loadShards(paths: readonly string[]): Promise<AskQueries> {
  const ids: string[] = [];
  const vectors: Float32Array[] = [];
  let first: { dimension: number; attributes: AskQueries['attributes'] } | undefined;
  for (const path of paths) {
    const shard = await openShard(path);
    try {
      const { dimension, attributes } = shard;
      first ??= { dimension, attributes };
      if (dimension !== first.dimension || modelIdentity(attributes) !== modelIdentity(first.attributes))
        throw new DataError(IN_PLACE_MESSAGES.differentShards(paths[0]!, path));
      const end = Math.min(shard.rows, MOST_QUERIES + 1 - ids.length);
      for await (const block of readBlocks(shard, { end, blockRows: rowsPerBlock(shard, READ_BYTES) })) {
        ids.push(...columnTexts(block.ids));
        vectors.push(toFloat32(shard, block).slice());
      }
    } finally {
      shard.close();
    }
  }
  const { dimension, attributes } = first!;
  return { source: paths.join(', '), ids, dimension, vectors: concatenateFloats(vectors), attributes };
}

/**
 * Reads the stored vector of a protein; that of the newest bucket where several have its id.
 * @throws DataError if none has
 */
export async function loadById(
  database: Database,
  entries: readonly CatalogEntry[],
  id: string,
  progress: Progress,
): Promise<AskQueries> {
  const { tables } = database;
  // The list of the entries, and these.
  const lookup = { requests: 1 + entries.length, bytes: 0 };
  const counted = tables.folder === undefined ? database.withTables(countedTables(tables, lookup)) : database;
  const found = await findId(counted, entries, id, progress);
  if (!found) throw new DataError(IN_PLACE_MESSAGES.unknownId(quoteValue(id), database.uri));
  const { dimension, model } = entries.find(({ bucket }) => bucket === found.bucket)!;
  return {
    source: `--id ${quoteValue(id)}`,
    ids: [id],
    dimension,
    vectors: found.vector,
    attributes: model,
    ...(tables.folder === undefined && { lookup }),
  };
}
