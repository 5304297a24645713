import { findStats } from '../base/missing-files.ts';
import type { DatasetNames } from '../shard/layouts/find-layout.ts';
import { findVectorKind } from '../shard/layouts/vector-kind.ts';
import { readBlocks, rowsPerBlock, toFloat32 } from '../shard/shard-blocks.ts';
import { missingShard } from '../shard/shard-messages.ts';
import { openShard } from '../shard/shard-reader.ts';
import * as messages from './import-messages.ts';
import { idFileOf, openNpy } from './npy-source.ts';
import { openParquet } from './parquet-source.ts';
import { BLOCK_BYTES, type VectorSource } from './vector-source.ts';

/** A file of vectors. */
export interface VectorFile {
  input: string;
  /** File of ids; for .npy. Default: beside it. */
  ids?: string | undefined;
  /** Names of the datasets; for HDF5. */
  named: DatasetNames;
}

/**
 * Opens a file of vectors, whose kind is recognized by its first bytes.
 * @throws UsageError for another kind, or options of another kind; DataError for a file that cannot be read
 */
export async function openVectors({ input, ids, named }: VectorFile): Promise<VectorSource> {
  const kind = await findVectorKind(input);
  if (kind === undefined) throw (await findStats(input))?.isFile() ? messages.unknownKind(input) : missingShard(input);
  if (kind !== 'npy' && ids !== undefined) throw messages.idsOnlyForNpy(input);
  if (kind !== 'hdf5' && (named.embedding ?? named.id) !== undefined) throw messages.namesOnlyForHdf5(input);
  if (kind === 'npy') return openNpy(input, ids ?? idFileOf(input));
  return kind === 'parquet' ? openParquet(input) : openHdf5(input, named);
}

async function openHdf5(path: string, named: DatasetNames): Promise<VectorSource> {
  const shard = await openShard(path, named);
  const { rows, dimension, vectorType, attributes } = shard;
  return {
    ...{ rows, dimension, vectorType, attributes, notes: [] },
    async *blocks() {
      for await (const block of readBlocks(shard, { blockRows: rowsPerBlock(shard, BLOCK_BYTES) }))
        yield { vectors: toFloat32(shard, block), ids: block.ids };
    },
    async [Symbol.asyncDispose]() {
      shard.close();
    },
  };
}
