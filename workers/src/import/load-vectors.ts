import { concatenateFloats } from '../base/bytes/concatenate-floats.ts';
import { columnLength, columnSlice, columnTexts } from '../base/bytes/utf8-column.ts';
import type { DatasetNames } from '../shard/layouts/find-layout.ts';
import { modelIdentity, type ShardAttributes } from '../shard/shard.ts';
import * as messages from './import-messages.ts';
import { openVectors } from './open-vectors.ts';

/** Vectors in memory. */
export interface LoadedVectors {
  /** The files, for messages. */
  source: string;
  ids: string[];
  dimension: number;
  /** [ids, D] */
  vectors: Float32Array;
  attributes: ShardAttributes;
}

/**
 * Reads the vectors of files into memory, as the pipeline reads those of --input; the ids of a .npy file lie beside it.
 * @param named datasets of HDF5 files
 * @param most vectors; one more is read at most
 * @param log receives what the user should know about a file
 * @throws DataError for a file that cannot be read, or files of two models or dimensions
 */
export async function loadVectors(
  paths: readonly string[],
  named: DatasetNames,
  most: number,
  log: (note: string) => void,
): Promise<LoadedVectors> {
  const ids: string[] = [];
  const vectors: Float32Array[] = [];
  let first: Pick<LoadedVectors, 'dimension' | 'attributes'> | undefined;
  for (const input of paths) {
    await using source = await openVectors({ input, named });
    const { dimension, attributes, notes } = source;
    first ??= { dimension, attributes };
    if (dimension !== first.dimension || modelIdentity(attributes) !== modelIdentity(first.attributes))
      throw messages.differentFiles(paths[0]!, input);
    for await (const block of source.blocks()) {
      const rows = Math.min(columnLength(block.ids), most + 1 - ids.length);
      if (rows === 0) break;
      ids.push(...columnTexts(columnSlice(block.ids, 0, rows)));
      vectors.push(block.vectors.slice(0, rows * dimension));
    }
    for (const note of notes.splice(0)) log(note);
  }
  return { source: paths.join(', '), ids, vectors: concatenateFloats(vectors), ...first! };
}
