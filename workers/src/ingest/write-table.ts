import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import type { CommandContext } from '../app/command.ts';
import type { FragmentFile } from '../database/catalog/catalog-entry.ts';
import type { PlanBucket } from '../database/catalog/plan.ts';
import type { PublishEarly } from '../database/table-publisher.ts';
import { commitTable, DATA_FOLDER } from '../lance/commit-table.ts';
import { dataFileName } from '../lance/format/data-file-name.ts';
import type { TableFile } from '../lance/table-files.ts';
import { tableSchema } from '../lance/table-schema.ts';
import type { ShardAttributes } from '../shard/shard.ts';
import type { Centroids } from '../vectors/kmeans.ts';
import { FragmentNumbers } from './fragment-numbers.ts';
import { orderRows } from './order-rows.ts';
import type { WrittenFragment } from './passes/ingest-thread.ts';
import { removeRunFiles } from './passes/run-files.ts';
import { type TableOptions, type TableWork, withTableWork } from './table-work.ts';
import { type FinishFragment, gatherFragments, type NamedFragment, writeUnits } from './write-fragments.ts';

export interface WrittenTable {
  tableVersion: number;
  model: ShardAttributes;
  fragments: FragmentFile[];
  /** Its data files. */
  files: TableFile[];
  /** Of a table in the order of partitions. */
  partitions: { centroids: Centroids; partitionRows: Float64Array } | undefined;
}

/** Where a table is written to. */
export interface TableOutput {
  /** Folder for the table, and for what it is made from. */
  scratch: string;
  /** Identifies what the table is built from. */
  recipe: string;
  /** Called with each data file that is finished. */
  publish: PublishEarly;
}

/**
 * Writes a bucket as a LanceDB table in a scratch folder. Threads read units of its rows and write them: as fragments in the order of
 * the shards, or as sorted runs, from which they then gather the fragments. The table does not depend on the number of threads.
 * @param isOrdered whether the rows are sorted by partition
 * @throws DataError where a shard is not what the plan says or holds rows that cannot be searched
 */
export async function writeTable(
  { scratch, recipe, publish }: TableOutput,
  bucket: PlanBucket,
  { isOrdered, ...options }: TableOptions & { isOrdered: boolean },
  context: CommandContext,
): Promise<WrittenTable> {
  const { written, model, partitions } = await withTableWork(scratch, bucket, options, (work) => {
    const finish: FinishFragment = (fragment, number) => finishFragment(work.data, recipe, fragment, number, publish);
    return isOrdered ? writeInPartitionOrder(work, finish, context) : writeInShardOrder(work, finish, context);
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

interface WrittenRows extends Pick<WrittenTable, 'model' | 'partitions'> {
  written: NamedFragment[];
}

async function writeInPartitionOrder(
  work: TableWork,
  finish: FinishFragment,
  context: CommandContext,
): Promise<WrittenRows> {
  const { sorted, model, ...partitions } = await orderRows(work, context);
  const written = await gatherFragments(work, sorted, finish, context);
  // They take as much disk space as the table, which is published next.
  await removeRunFiles(work.scratch);
  return { written, model, partitions };
}

async function writeInShardOrder(
  work: TableWork,
  finish: FinishFragment,
  context: CommandContext,
): Promise<WrittenRows> {
  const numbers = new FragmentNumbers(work.units.length);
  const copied = await writeUnits(work, 'writing', context, async (unit, onEvent, number) => {
    const { written, attributes } = await work.pool.run('copyUnit', unit, { onEvent });
    const first = await numbers.take(number, written.length);
    return { written: await Promise.all(written.map((file, i) => finish(file, first + i))), attributes };
  });
  return { ...copied, partitions: undefined };
}

/**
 * Renames a data file to the name under which it is published, and begins to publish it. The name depends on the file's
 * content, so a table that is rebuilt, even on another kind of processor, never has another file of the same name.
 * @param number of the file, in the order of the rows
 */
async function finishFragment(
  data: string,
  recipe: string,
  fragment: WrittenFragment,
  number: number,
  publish: PublishEarly,
): Promise<NamedFragment> {
  const { temporary, checksum, bytes } = fragment;
  const name = dataFileName(`${recipe}/${checksum}`, number);
  await rename(join(data, temporary), join(data, name));
  publish({ path: `${DATA_FOLDER}/${name}`, bytes, checksum });
  return { ...fragment, name };
}
