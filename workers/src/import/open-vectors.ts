import { findStats } from '../base/missing-files.ts';
import type { Keep } from '../shard/columns/keep.ts';
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
  /** Columns to keep; of HDF5 and Parquet. Default: those that LanceFlow wrote. */
  keep?: Keep | undefined;
}

/**
 * Opens a file of vectors, whose kind is recognized by its first bytes.
 * @throws UsageError for another kind, options of another kind, or a column of .npy; DataError for a file that cannot be read
 */
export async function openVectors({ input, ids, named, keep = 'written' }: VectorFile): Promise<VectorSource> {
  const kind = await findVectorKind(input);
  if (kind === undefined) throw (await findStats(input))?.isFile() ? messages.unknownKind(input) : missingShard(input);
  if (kind !== 'npy' && ids !== undefined) throw messages.idsOnlyForNpy(input);
  if (kind !== 'hdf5' && (named.embedding ?? named.id) !== undefined) throw messages.namesOnlyForHdf5(input);
  if (kind === 'npy' && typeof keep !== 'string' && keep.length > 0) throw messages.noNpyColumns(input, keep);
  if (kind === 'npy') return openNpy(input, ids ?? idFileOf(input));
  return kind === 'parquet' ? openParquet(input, keep) : openHdf5(input, named, keep);
}

async function openHdf5(path: string, named: DatasetNames, keep: Keep): Promise<VectorSource> {
  const shard = await openShard(path, named, keep);
  const { rows, dimension, vectorType, attributes, columns } = shard;
  return {
    ...{ rows, dimension, vectorType, attributes, columns, notes: [] },
    async *blocks() {
      for await (const block of readBlocks(shard, { blockRows: rowsPerBlock(shard, BLOCK_BYTES) }))
        yield { vectors: toFloat32(shard, block), ids: block.ids, kept: block.kept };
    },
    async [Symbol.asyncDispose]() {
      shard.close();
    },
  };
}
