import { columnFrom } from '../../../workers/src/base/bytes/utf8-column.ts';
import { seededRandom } from '../../../workers/src/base/random.ts';
import { createShard } from '../../../workers/src/shard/shard-writer.ts';

/** Writes a shard of random vectors from a seed. */
export async function writeShard(path: string, prefix: string, rows: number, dimension: number, seed: number) {
  const random = seededRandom(seed);
  const vectors = Float32Array.from({ length: rows * dimension }, () => random() - 0.5);
  const shard = await createShard(path, dimension);
  shard.append(vectors, columnFrom(Array.from({ length: rows }, (_, row) => `${prefix}${row}`)));
  shard.finish({});
}
