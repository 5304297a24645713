import { murmur3 } from '../../base/bytes/murmur3.ts';
import { columnLength, type Utf8Column } from '../../base/bytes/utf8-column.ts';

/**
 * Draws rows by a hash of their ids: as good as at random, and the same rows wherever the ids are the same.
 * @param idOrder the rows in the order of their ids
 * @param size most rows to draw
 * @param skip rows that come before in the draw: an earlier sample, which has no row in common where there are enough
 * @returns rows in the order of their ids
 */
export function drawByHash(ids: Utf8Column, idOrder: Int32Array, size: number, skip = 0): Int32Array {
  const total = columnLength(ids);
  const hashes = new Uint32Array(total);
  const key = new Uint32Array(4);
  for (let row = 0; row < total; row++) {
    murmur3(ids.bytes, ids.offsets[row]!, ids.offsets[row + 1]!, key, 0);
    hashes[row] = key[0]!;
  }
  const placeOf = new Int32Array(total);
  for (const [place, row] of idOrder.entries()) placeOf[row] = place;
  const drawn = idOrder.slice().sort((a, b) => hashes[a]! - hashes[b]! || placeOf[a]! - placeOf[b]!);
  const first = Math.max(0, Math.min(skip, total - size));
  return drawn.slice(first, first + size).sort((a, b) => placeOf[a]! - placeOf[b]!);
}
