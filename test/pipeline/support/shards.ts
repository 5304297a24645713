import { seededRandom } from '../../../workers/src/core/random.ts';
import { columnFrom } from '../../../workers/src/core/utf8-column.ts';
import { createShard } from '../../../workers/src/io/hdf5/shard-writer.ts';

/** Writes a shard of random vectors from a seed. */
export async function writeShard(path: string, prefix: string, rows: number, dimension: number, seed: number) {
  const random = seededRandom(seed);
  const vectors = Float32Array.from({ length: rows * dimension }, () => random() - 0.5);
  const shard = await createShard(path, dimension);
  shard.append(vectors, columnFrom(Array.from({ length: rows }, (_, row) => `${prefix}${row}`)));
  shard.finish({});
}
