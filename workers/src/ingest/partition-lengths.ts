import { type Centroids, innerProduct, lengthOf } from '../vectors/kmeans.ts';

/** Times the usual length, from which on a row is long; each class of long rows reaches as far again. */
const LONG = 4;
/** Partitions of a class, and classes: more than float32 has. */
const MOST_OF_CLASS = 64;
const CLASSES = 64;
/** A long row whose cosine with another is less than this gets a partition of its own, while there are any. */
const ALIKE = Math.SQRT1_2;

/**
 * Puts lengths into partitions of directions: under `dot` a query looks first into those with the largest product. A
 * centroid gets the root mean square of its rows' lengths. Rows that are much longer than the others are the nearest of half
 * of all queries, whatever their partitions: they get partitions of their own, whose centroids are rows.
 */
export class PartitionLengths {
  readonly #directions: Centroids;
  readonly #usual: number;
  readonly #squares: Float64Array;
  readonly #rows: Float64Array;
  /** Partitions of long rows, by class. */
  readonly #classes = new Map<number, Array<{ partition: number; row: Float32Array; length: number }>>();
  readonly #long: Float32Array[] = [];
  readonly mostPartitions: number;

  /** @param directions of unit length @param usual the length that most rows do not exceed */
  constructor(directions: Centroids, usual: number) {
    this.#directions = directions;
    this.#usual = usual > 0 ? usual : Number.POSITIVE_INFINITY;
    this.#squares = new Float64Array(directions.count);
    this.#rows = new Float64Array(directions.count);
    this.mostPartitions = directions.count + CLASSES * MOST_OF_CLASS;
  }

  /** @param vectors [rows, D] @param partitions of the rows by direction; those of long rows are replaced */
  place(vectors: Float32Array, partitions: Int32Array): void {
    const { dimension } = this.#directions;
    for (let row = 0; row < partitions.length; row++) {
      const own = vectors.subarray(row * dimension, (row + 1) * dimension);
      const length = lengthOf(own);
      if (length > LONG * this.#usual) partitions[row] = this.#placeLong(own, length);
      else {
        this.#squares[partitions[row]!]! += length ** 2;
        this.#rows[partitions[row]!]!++;
      }
    }
  }

  /** Of the directions' partitions, then of those of long rows. */
  centroids(): Centroids {
    const { count, dimension, vectors } = this.#directions;
    const total = count + this.#long.length;
    const scaled = new Float32Array(total * dimension);
    for (let i = 0; i < vectors.length; i++) {
      const partition = Math.floor(i / dimension);
      const rows = this.#rows[partition]!;
      scaled[i] = vectors[i]! * (rows > 0 ? Math.sqrt(this.#squares[partition]! / rows) : 0);
    }
    for (const [i, row] of this.#long.entries()) scaled.set(row, (count + i) * dimension);
    return { count: total, dimension, vectors: scaled };
  }

  #placeLong(row: Float32Array, length: number): number {
    const name = Math.min(CLASSES, Math.floor(Math.log(length / this.#usual) / Math.log(LONG)));
    const known = this.#classes.get(name) ?? [];
    this.#classes.set(name, known);
    let nearest = { partition: -1, cosine: -1 };
    for (const other of known) {
      const cosine = innerProduct(row, other.row) / (length * other.length);
      if (cosine > nearest.cosine) nearest = { partition: other.partition, cosine };
    }
    if (nearest.cosine >= ALIKE || known.length === MOST_OF_CLASS) return nearest.partition;
    const partition = this.#directions.count + this.#long.length;
    const copy = row.slice();
    known.push({ partition, row: copy, length });
    this.#long.push(copy);
    return partition;
  }
}
