import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import type { CommandContext } from '../app/command.ts';
import type { Column } from '../base/columns/column-type.ts';
import type { PlanBucket } from '../database/catalog/bucket-plan.ts';
import type { FragmentFile } from '../database/catalog/catalog-entry.ts';
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
import { columnCount } from './passes/run-reader.ts';
import { keptColumns, sequenceColumn } from './source-columns.ts';
import { type TableOptions, type TableWork, withTableWork } from './table-work.ts';
import { type FinishFragment, gatherFragments, type NamedFragment, writeUnits } from './write-fragments.ts';

export interface WrittenTable {
  /** Columns that it keeps. */
  columns: Column[];
  /** Letters in its sequences, if it keeps them. */
  residues: number | undefined;
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
  const columns = keptColumns(bucket.sources);
  const schema = tableSchema(options.dimension, options.vectorType, columns);
  return {
    columns,
    residues:
      sequenceColumn(columns) < 0
        ? undefined
        : written.reduce((sum, { keptColumns: kept }) => sum + (kept?.residues ?? 0), 0),
    tableVersion: await commitTable(scratch, bucket.bucket, schema, written),
    model,
    fragments: written.map(({ name, rows, vectors, restChecksum, keptColumns: kept }): FragmentFile => {
      const fragment = { path: pathOf(name), rows, offset: vectors.offset, checksum: restChecksum };
      return kept ? { ...fragment, columns: pathOf(kept.name) } : fragment;
    }),
    files: written.flatMap((fragment) => filesOf(fragment)),
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
  await removeRunFiles(work.scratch, columnCount(work.rowFormat));
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

/** The files of a fragment: vectors and ids, then its kept columns. */
function filesOf(fragment: NamedFragment): TableFile[] {
  const { keptColumns: kept } = fragment;
  return [fragment, ...(kept ? [kept] : [])].map(({ name, bytes, checksum }) => ({
    path: pathOf(name),
    bytes,
    checksum,
  }));
}

const pathOf = (name: string) => `${DATA_FOLDER}/${name}`;

/**
 * Renames the data files of a fragment to the names under which it is published, and begins to publish them. A name depends on the file's
 * content, so a table that is rebuilt, even on another kind of processor, never has another file of the same name.
 * @param number of the fragment, in the order of the rows
 */
async function finishFragment(
  data: string,
  recipe: string,
  fragment: WrittenFragment,
  number: number,
  publish: PublishEarly,
): Promise<NamedFragment> {
  const finishFile = async <F extends { temporary: string; checksum: string; bytes: number }>(
    file: F,
    seed: string,
  ) => {
    const { temporary, checksum, bytes } = file;
    const name = dataFileName(`${seed}/${checksum}`, number);
    await rename(join(data, temporary), join(data, name));
    publish({ path: pathOf(name), bytes, checksum });
    return { ...file, name };
  };
  const { keptColumns: kept } = fragment;
  const named = await finishFile(fragment, recipe);
  return { ...named, keptColumns: kept && (await finishFile(kept, `${recipe}/columns`)) };
}
