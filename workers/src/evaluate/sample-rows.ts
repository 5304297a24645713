import { join } from 'node:path';
import { columnFrom } from '../base/bytes/utf8-column.ts';
import { seededRandom } from '../base/random.ts';
import type { CatalogEntry } from '../database/catalog/catalog-entry.ts';
import type { Database } from '../database/database.ts';
import { openVersion } from '../database/table-state.ts';
import { takeRows } from '../lance/read-table.ts';
import { damagedIn } from '../search/queries/look-up-queries.ts';
import { createShard } from '../shard/shard-writer.ts';

const SEED = 18;

/**
 * Draws rows of the buckets at random, each row of the database with the same chance, and writes them as a query set. The same rows in
 * every run. Of rows with the same id, one is drawn.
 * @param folder an existing folder for the query set
 * @returns its path
 * @throws DataError for a table that cannot be read
 */
export async function sampleRows(
  database: Database,
  entries: readonly CatalogEntry[],
  size: number,
  folder: string,
): Promise<string> {
  const { dimension, model } = entries[0]!;
  const path = join(folder, 'sample.h5');
  const shard = await createShard(path, dimension);
  const known = new Set<string>();
  try {
    for (const [i, positions] of drawPositions(
      entries.map(({ rows }) => rows),
      size,
    ).entries()) {
      if (positions.length === 0) continue;
      const damaged = damagedIn(database, entries[i]!);
      const table = await openVersion(database, entries[i]!).catch(damaged);
      const { ids, vectors } = await takeRows(table, positions)
        .catch(damaged)
        .finally(() => table.close());
      for (const [row, id] of ids.entries()) {
        if (known.has(id)) continue;
        known.add(id);
        shard.append(vectors.subarray(row * dimension, (row + 1) * dimension), columnFrom([id]));
      }
    }
    shard.finish(model);
  } catch (error) {
    await shard.abandon();
    throw error;
  }
  return path;
}

/**
 * Draws distinct positions from all rows of several tables.
 * @param rows row count of each table
 * @param size most positions to draw
 * @returns for each table, its positions in ascending order
 */
export function drawPositions(rows: readonly number[], size: number): number[][] {
  const total = rows.reduce((sum, count) => sum + count, 0);
  const random = seededRandom(SEED);
  const drawn = new Set<number>();
  // Floyd's sample without replacement: each set of positions has the same chance.
  for (let last = total - Math.min(size, total); last < total; last++) {
    const position = Math.floor(random() * (last + 1));
    drawn.add(drawn.has(position) ? last : position);
  }
  const sorted = [...drawn].sort((a, b) => a - b);
  let first = 0;
  return rows.map((count) => {
    const own = sorted.filter((position) => position >= first && position < first + count);
    const positions = own.map((position) => position - first);
    first += count;
    return positions;
  });
}
