import { createHash } from 'node:crypto';
import type { Utf8Column } from '../base/bytes/utf8-column.ts';
import type { Column } from '../base/columns/column-type.ts';
import type { VectorType } from '../vectors/vector-type.ts';

/** The facts about a shard that its hash includes. */
export interface HashedShard {
  vectorType: VectorType;
  dimension: number;
  columns: readonly Column[];
}

/** Hashes of a shard, in hex. */
export interface ShardHashes {
  contentHash: string;
  /** Of vectors and ids alone: the content hash where no column is kept. */
  rowHash: string;
}

/**
 * SHA-256 of the content of a shard: hashes of streams (vectors; lengths and texts of the ids and of each kept column), combined with the
 * shape. Independent of chunking, compression, attributes and block size; any change of a bit, an id, a kept value or the row order
 * changes the hash. Format: docs/formats.md.
 */
export class ContentHash {
  readonly #vectors = createHash('sha256');
  readonly #ids = new ColumnHash();
  readonly #kept: ColumnHash[] = [];
  #rows = 0;

  /** Adds the next rows. @param vectors as stored, little-endian @param kept cells of each kept column */
  add(vectors: Uint8Array, ids: Utf8Column, kept: readonly Utf8Column[]): void {
    this.#vectors.update(vectors);
    this.#ids.add(ids);
    for (const [i, cells] of kept.entries()) {
      this.#kept[i] ??= new ColumnHash();
      this.#kept[i].add(cells);
    }
    this.#rows += ids.offsets.length - 1;
  }

  digest({ vectorType, dimension, columns }: HashedShard): ShardHashes {
    const rowHash = createHash('sha256')
      .update(`lanceflow-content-1 ${vectorType} ${dimension} ${this.#rows} `)
      .update(this.#vectors.digest())
      .update(this.#ids.digest())
      .digest('hex');
    if (columns.length === 0) return { contentHash: rowHash, rowHash };
    const whole = createHash('sha256').update(`lanceflow-content-2 ${rowHash} `);
    for (const [i, { name, type }] of columns.entries())
      whole.update(`${name} ${type} `).update((this.#kept[i] ?? new ColumnHash()).digest());
    return { contentHash: whole.digest('hex'), rowHash };
  }
}

class ColumnHash {
  readonly #lengths = createHash('sha256');
  readonly #bytes = createHash('sha256');

  add({ offsets, bytes }: Utf8Column): void {
    const rows = offsets.length - 1;
    // Without the lengths, ("ab", "c") and ("a", "bc") would be equal.
    const lengths = new Uint32Array(rows);
    for (let row = 0; row < rows; row++) lengths[row] = offsets[row + 1]! - offsets[row]!;
    this.#lengths.update(new Uint8Array(lengths.buffer));
    this.#bytes.update(bytes.subarray(offsets[0]!, offsets[rows]!));
  }

  digest(): Buffer {
    return Buffer.concat([this.#lengths.digest(), this.#bytes.digest()]);
  }
}
