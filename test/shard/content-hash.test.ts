import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { columnFrom, columnSlice } from '../../workers/src/base/bytes/utf8-column.ts';
import { ContentHash } from '../../workers/src/shard/content-hash.ts';

const DIMENSION = 3;

/** Hash of rows that are added in blocks which end at `ends`. */
function hashOf(vectors: Float32Array, ids: string[], ends: number[] = [], kept: string[][] = []): string {
  const hash = new ContentHash();
  const column = columnFrom(ids);
  const keptColumns = kept.map(columnFrom);
  const bytes = new Uint8Array(vectors.buffer, vectors.byteOffset, vectors.byteLength);
  let start = 0;
  for (const end of [...ends.filter((row) => row <= ids.length).sort((a, b) => a - b), ids.length]) {
    hash.add(
      bytes.subarray(start * DIMENSION * 4, end * DIMENSION * 4),
      columnSlice(column, start, end),
      keptColumns.map((each) => columnSlice(each, start, end)),
    );
    start = end;
  }
  const columns = kept.map((_, i) => ({ name: `column_${i}`, type: 'utf8' as const }));
  return hash.digest({ vectorType: 'float32', dimension: DIMENSION, columns }).contentHash;
}

const shard = fc
  .array(fc.tuple(fc.string({ unit: 'binary', maxLength: 6 }), fc.float({ noNaN: true })), { maxLength: 20 })
  .map((rows) => ({
    ids: rows.map(([id]) => id),
    vectors: Float32Array.from(rows.flatMap(([, value]) => [value, 1, -value])),
  }));

describe('ContentHash', () => {
  it('is the same whatever the blocks in which rows are added', () => {
    fc.assert(
      fc.property(shard, fc.array(fc.nat(20), { maxLength: 6 }), ({ vectors, ids }, ends) => {
        expect(hashOf(vectors, ids, ends)).toBe(hashOf(vectors, ids));
      }),
    );
  });

  it('changes with a bit of a vector, with an id, and with the order of rows', () => {
    const ids = ['a', 'b', 'c'];
    const vectors = Float32Array.from({ length: 9 }, (_, i) => i);
    const base = hashOf(vectors, ids);
    const bit = vectors.slice();
    new Uint8Array(bit.buffer)[17]! ^= 1;
    const swapped = Float32Array.from([3, 4, 5, 0, 1, 2, 6, 7, 8]);
    const hashes = [
      hashOf(bit, ids),
      hashOf(vectors, ['a', 'B', 'c']),
      hashOf(vectors, ['b', 'a', 'c']),
      hashOf(swapped, ids),
      hashOf(swapped, ['b', 'a', 'c']),
      hashOf(vectors.subarray(0, 6), ids.slice(0, 2)),
    ];
    expect(new Set([base, ...hashes]).size).toBe(hashes.length + 1);
  });

  it('distinguishes ids whose concatenated texts are equal', () => {
    const vectors = new Float32Array(6);
    expect(hashOf(vectors, ['ab', 'c'])).not.toBe(hashOf(vectors, ['a', 'bc']));
    expect(hashOf(vectors, ['', 'abc'])).not.toBe(hashOf(vectors, ['abc', '']));
  });

  it('distinguishes types and dimensions with the same bytes', () => {
    const digest = (type: 'float32' | 'float16', dimension: number) => {
      const hash = new ContentHash();
      hash.add(new Uint8Array(12), columnFrom(['a']), []);
      return hash.digest({ vectorType: type, dimension, columns: [] }).contentHash;
    };
    expect(new Set([digest('float32', 3), digest('float16', 6), digest('float32', 6)]).size).toBe(3);
  });

  it('changes with a kept value, its row and the column that has it; the row hash does not', () => {
    const vectors = new Float32Array(6);
    const ids = ['a', 'b'];
    const hashes = [
      [],
      [['x', 'y']],
      [['y', 'x']],
      [['xy', '']],
      [
        ['x', 'y'],
        ['', ''],
      ],
      [
        ['', ''],
        ['x', 'y'],
      ],
    ].map((kept) => hashOf(vectors, ids, [], kept));
    expect(new Set(hashes).size).toBe(hashes.length);
    const hash = new ContentHash();
    hash.add(new Uint8Array(24), columnFrom(ids), [columnFrom(['x', 'y'])]);
    const columns = [{ name: 'x', type: 'utf8' as const }];
    expect(hash.digest({ vectorType: 'float32', dimension: 3, columns }).rowHash).toBe(hashes[0]);
  });

  it('does not change, because databases store it', () => {
    expect(hashOf(Float32Array.of(1, 2, 3), ['p'])).toBe(
      'e922a1862b20f5b9c64b169df12e89159fa35fa23fbbc51decd0b2a08d5ad7ce',
    );
  });
});
