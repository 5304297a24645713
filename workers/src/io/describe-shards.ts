import type { CommandContext } from '../command.ts';
import type { CatalogEntry } from '../core/catalog.ts';
import { ContentHash } from '../core/content-hash.ts';
import type { Duplicate } from '../core/duplicate-ids.ts';
import { showId } from '../core/fasta-parser.ts';
import { modelIdentity, type ShardHeader } from '../core/shard.ts';
import { DataError } from '../errors.ts';
import { type DuplicateIds, withDuplicateIds } from './duplicate-ids.ts';
import { readBlocks, rowsPerBlock } from './hdf5/shard-blocks.ts';
import { openShard } from './hdf5/shard-reader.ts';

const BLOCK_BYTES = 8 * 2 ** 20;

/** A shard and the hash of its rows. */
export interface DescribedShard extends ShardHeader {
  contentHash: string;
}

/**
 * Reads every shard once, for its content hash and for ids that occur twice.
 * @param output the plan's name; scratch files for ids, where memory is too small for them, lie beside it
 * @throws DataError for a file that is not a shard or has no rows, and for an id that is there twice
 */
export async function describeShards(
  paths: readonly string[],
  output: string,
  { progress }: Pick<CommandContext, 'progress'>,
): Promise<DescribedShard[]> {
  const bar = progress('reading shards', paths.length, 'shards');
  try {
    return await withDuplicateIds(output, async (seen) => {
      const shards: DescribedShard[] = [];
      for (let source = 0; source < paths.length; source++) {
        shards.push(await describeShard(paths, source, seen));
        bar.add(1);
      }
      const duplicate = await seen.finish();
      if (duplicate) throw await duplicateError(paths, duplicate);
      return shards;
    });
  } finally {
    bar.stop();
  }
}

async function describeShard(paths: readonly string[], source: number, seen: DuplicateIds): Promise<DescribedShard> {
  const path = paths[source]!;
  const reader = await openShard(path);
  try {
    const { rows, dimension, vectorType, attributes } = reader;
    if (rows === 0) throw new DataError(`${path}: no vectors in this shard. Leave it out, or make it again.`);
    const hash = new ContentHash();
    for await (const block of readBlocks(reader, { blockRows: rowsPerBlock(reader, BLOCK_BYTES) })) {
      hash.add(block.vectors, block.ids);
      const duplicate = seen.add(block.ids, source, block.start);
      if (duplicate) throw await duplicateError(paths, duplicate);
    }
    return { path, rows, dimension, vectorType, attributes, contentHash: hash.digest(vectorType, dimension) };
  } finally {
    reader.close();
  }
}

async function duplicateError(paths: readonly string[], { first, second }: Duplicate): Promise<DataError> {
  const [path, other] = [paths[second.source]!, paths[first.source]!];
  const reader = await openShard(path);
  try {
    const id = showId(reader.readIds(second.row, 1).bytes);
    return new DataError(
      `${path}: row ${second.row}: the id ${id} is also that of row ${first.row} of ${other}. ` +
        'Every id must occur once: rename one, or remove it.',
    );
  } finally {
    reader.close();
  }
}

/**
 * All shards of a database have one dimension and one model.
 * @param shards at least one
 * @throws DataError naming the shard that differs and from what
 */
export function requireOneKind(
  shards: readonly ShardHeader[],
  entries: readonly CatalogEntry[],
): { dimension: number; model: string | undefined } {
  const [first] = shards;
  if (!first) throw new DataError('No shards to pack.');
  const base = entries[0]
    ? {
        name: `the database (${entries[0].bucket})`,
        dimension: entries[0].dimension,
        model: modelIdentity(entries[0].model),
      }
    : { name: first.path, dimension: first.dimension, model: modelIdentity(first.attributes) };
  let { model } = base;
  for (const shard of shards) {
    if (shard.dimension !== base.dimension)
      throw new DataError(
        `${shard.path}: vectors of ${shard.dimension} components, but ${base.name} has ${base.dimension}. One database holds one kind of vectors.`,
      );
    const own = modelIdentity(shard.attributes);
    if (own !== undefined && model !== undefined && own !== model)
      throw new DataError(
        `${shard.path}: made by model ${own}, but ${base.name} by ${model}. Vectors of two models cannot be compared; use one database a model.`,
      );
    model ??= own;
  }
  return { dimension: base.dimension, model };
}
