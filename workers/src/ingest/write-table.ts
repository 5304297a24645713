import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import type { CommandContext } from '../app/command.ts';
import { mapConcurrently } from '../base/concurrency/map-concurrently.ts';
import type { FragmentFile } from '../database/catalog/catalog-entry.ts';
import type { PlanBucket } from '../database/catalog/plan.ts';
import { commitTable, DATA_FOLDER } from '../lance/commit-table.ts';
import { dataFileName } from '../lance/format/data-file-name.ts';
import type { TableFile } from '../lance/table-files.ts';
import { tableSchema } from '../lance/table-schema.ts';
import type { ShardAttributes } from '../shard/shard.ts';
import type { Centroids } from '../vectors/kmeans.ts';
import { orderRows } from './order-rows.ts';
import type { WrittenFragment } from './passes/ingest-thread.ts';
import { removeRunFiles } from './passes/run-files.ts';
import { type TableOptions, type TableWork, withTableWork } from './table-work.ts';
import { gatherFragments, writeUnits } from './write-fragments.ts';

const FILES_AT_ONCE = 16;

export interface WrittenTable {
  tableVersion: number;
  model: ShardAttributes;
  fragments: FragmentFile[];
  /** Its data files. */
  files: TableFile[];
  /** Of a table in the order of partitions. */
  partitions: { centroids: Centroids; partitionRows: Float64Array } | undefined;
}

/**
 * Writes a bucket as a LanceDB table in a scratch folder. Threads read units of its rows and write them: as fragments in the order of
 * the shards, or as sorted runs, from which they then gather the fragments. The table does not depend on the number of threads.
 * @param recipe identifies what the table is built from
 * @param isOrdered whether the rows are sorted by partition
 * @throws DataError where a shard is not what the plan says or holds rows that cannot be searched
 */
export async function writeTable(
  scratch: string,
  bucket: PlanBucket,
  { recipe, isOrdered, ...options }: TableOptions & { recipe: string; isOrdered: boolean },
  context: CommandContext,
): Promise<WrittenTable> {
  const { written, model, partitions } = await withTableWork(scratch, bucket, options, async (work) => {
    const rows = await (isOrdered ? writeInPartitionOrder(work, context) : writeInShardOrder(work, context));
    return { ...rows, written: await nameFragments(work.data, recipe, rows.written) };
  });
  const schema = tableSchema(options.dimension, options.vectorType);
  return {
    tableVersion: await commitTable(scratch, bucket.bucket, schema, written),
    model,
    fragments: written.map(({ name, rows, vectors, restChecksum }) => {
      return { path: `${DATA_FOLDER}/${name}`, rows, offset: vectors.offset, checksum: restChecksum };
    }),
    files: written.map(({ name, bytes, checksum }) => ({ path: `${DATA_FOLDER}/${name}`, bytes, checksum })),
    partitions,
  };
}

async function writeInPartitionOrder(work: TableWork, context: CommandContext) {
  const { sorted, model, ...partitions } = await orderRows(work, context);
  const written = await gatherFragments(work, sorted, context);
  // They take as much disk space as the table, which is published next.
  await removeRunFiles(work.scratch);
  return { written, model, partitions };
}

async function writeInShardOrder(work: TableWork, context: CommandContext) {
  const copied = await writeUnits(work, 'writing', context, (unit, onEvent) =>
    work.pool.run('copyUnit', unit, { onEvent }),
  );
  return { ...copied, partitions: undefined };
}

/**
 * Renames data files to the names under which they are published. A name depends on the file's content, so a table that is rebuilt,
 * even on another kind of processor, never has another file of the same name.
 */
async function nameFragments(data: string, recipe: string, written: readonly WrittenFragment[]) {
  return mapConcurrently(written, FILES_AT_ONCE, async (fragment, i) => {
    const name = dataFileName(`${recipe}/${fragment.checksum}`, i);
    await rename(join(data, fragment.temporary), join(data, name));
    return { ...fragment, name };
  });
}
