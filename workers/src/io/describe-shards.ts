import type { CommandContext } from '../command.ts';
import type { CatalogEntry } from '../core/catalog.ts';
import { ContentHash } from '../core/content-hash.ts';
import { modelIdentity, type ShardHeader } from '../core/shard.ts';
import { DataError } from '../errors.ts';
import { readBlocks, rowsPerBlock } from './hdf5/shard-blocks.ts';
import { openShard } from './hdf5/shard-reader.ts';

const BLOCK_BYTES = 8 * 2 ** 20;

/** A shard and the hash of its rows. */
export interface DescribedShard extends ShardHeader {
  contentHash: string;
}

/** Reads every shard once for its content hash. @throws DataError for a file that is not a shard or has no rows */
export async function describeShards(
  paths: readonly string[],
  { progress }: Pick<CommandContext, 'progress'>,
): Promise<DescribedShard[]> {
  const bar = progress('reading shards', paths.length, 'shards');
  const shards: DescribedShard[] = [];
  try {
    for (const path of paths) {
      shards.push(await describeShard(path));
      bar.add(1);
    }
  } finally {
    bar.stop();
  }
  return shards;
}

async function describeShard(path: string): Promise<DescribedShard> {
  const reader = await openShard(path);
  try {
    const { rows, dimension, vectorType, attributes } = reader;
    if (rows === 0) throw new DataError(`${path}: no vectors in this shard. Leave it out, or make it again.`);
    const hash = new ContentHash();
    for await (const block of readBlocks(reader, { blockRows: rowsPerBlock(reader, BLOCK_BYTES) }))
      hash.add(block.vectors, block.ids);
    return { path, rows, dimension, vectorType, attributes, contentHash: hash.digest(vectorType, dimension) };
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
