import { decodeFloat16 } from '../base/bytes/float16.ts';
import type { ShardBlock } from './shard-blocks.ts';
import type { ShardReader } from './shard-reader.ts';

/** The vectors of a block as float32: a view where they are stored so, valid until the next block is read. */
export function toFloat32(shard: ShardReader, block: Pick<ShardBlock, 'rows' | 'vectors'>): Float32Array {
  const { buffer, byteOffset } = block.vectors;
  const components = block.rows * shard.dimension;
  if (shard.vectorType === 'float32') return new Float32Array(buffer, byteOffset, components);
  const decoded = new Float32Array(components);
  decodeFloat16(new Uint16Array(buffer, byteOffset, components), decoded, components);
  return decoded;
}
