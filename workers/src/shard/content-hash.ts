import { createHash } from 'node:crypto';
import type { Utf8Column } from '../base/bytes/utf8-column.ts';
import type { VectorType } from '../vectors/vector-type.ts';

/**
 * SHA-256 of the content of a shard: hashes of three streams (vectors, id lengths, id texts), combined with the shape. Independent of
 * chunking, compression, attributes and block size; any change of a bit, an id or the row order changes the hash. Format:
 * docs/formats.md.
 */
export class ContentHash {
  readonly #vectors = createHash('sha256');
  readonly #idLengths = createHash('sha256');
  readonly #idBytes = createHash('sha256');
  #rows = 0;

  /** Adds the next rows. @param vectors as stored, little-endian */
  add(vectors: Uint8Array, ids: Utf8Column): void {
    const rows = ids.offsets.length - 1;
    // Without the lengths, ("ab", "c") and ("a", "bc") would be equal.
    const lengths = new Uint32Array(rows);
    for (let row = 0; row < rows; row++) lengths[row] = ids.offsets[row + 1]! - ids.offsets[row]!;
    this.#vectors.update(vectors);
    this.#idLengths.update(new Uint8Array(lengths.buffer));
    this.#idBytes.update(ids.bytes.subarray(ids.offsets[0]!, ids.offsets[rows]!));
    this.#rows += rows;
  }

  /** Returns the hash in hex. */
  digest(vectorType: VectorType, dimension: number): string {
    return createHash('sha256')
      .update(`lanceflow-content-1 ${vectorType} ${dimension} ${this.#rows} `)
      .update(this.#vectors.digest())
      .update(this.#idLengths.digest())
      .update(this.#idBytes.digest())
      .digest('hex');
  }
}
