import { murmur3 } from '../../base/bytes/murmur3.ts';
import { columnLength, type Utf8Column } from '../../base/bytes/utf8-column.ts';

/**
 * Draws rows by a hash of their ids: as good as at random, and the same rows wherever the ids are the same.
 * @param order the rows in the order of their ids
 * @param wanted most rows to draw
 * @param skip rows that come before in the draw: another sample, where there are rows enough
 * @returns rows in the order of their ids
 */
export function drawByHash(ids: Utf8Column, order: Int32Array, wanted: number, skip = 0): Int32Array {
  const total = columnLength(ids);
  const hashes = new Uint32Array(total);
  const key = new Uint32Array(4);
  for (let row = 0; row < total; row++) {
    murmur3(ids.bytes, ids.offsets[row]!, ids.offsets[row + 1]!, key, 0);
    hashes[row] = key[0]!;
  }
  const placeOf = new Int32Array(total);
  for (const [place, row] of order.entries()) placeOf[row] = place;
  const drawn = order.slice().sort((a, b) => hashes[a]! - hashes[b]! || placeOf[a]! - placeOf[b]!);
  const first = Math.max(0, Math.min(skip, total - wanted));
  return drawn.slice(first, first + wanted).sort((a, b) => placeOf[a]! - placeOf[b]!);
}
