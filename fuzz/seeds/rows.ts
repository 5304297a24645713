import { columnFrom } from '../../workers/src/base/bytes/utf8-column.ts';
import { seededRandom } from '../../workers/src/base/random.ts';
import { createShard } from '../../workers/src/shard/shard-writer.ts';
import type { Vectors } from '../oracle/vectors.ts';

/** Returns vectors in clusters, so that some are near each other. */
export function someRows(seed: number, count: number, dimension: number, prefix: string): Vectors {
  const random = seededRandom(seed);
  const centres = Array.from({ length: 12 * dimension }, () => 2 * random() - 1);
  return {
    dimension,
    ids: Array.from({ length: count }, (_, row) => `${prefix}${row}`),
    vectors: Float32Array.from(
      { length: count * dimension },
      (_, i) => centres[(Math.floor(i / dimension) % 12) * dimension + (i % dimension)]! + 0.6 * (random() - 0.5),
    ),
  };
}

/** Writes a shard with LanceFlow's own writer. */
export async function writeRows(path: string, { dimension, ids, vectors }: Vectors, attributes = {}): Promise<void> {
  const shard = await createShard(path, dimension);
  shard.append(vectors, columnFrom([...ids]));
  shard.finish(attributes);
}

export function sliceOf({ dimension, ids, vectors }: Vectors, start: number, end: number): Vectors {
  return { dimension, ids: ids.slice(start, end), vectors: vectors.subarray(start * dimension, end * dimension) };
}
