import { type Centroids, innerProduct, lengthOf } from '../vectors/kmeans.ts';

/** A row is long from this many times the usual length on; each class of long rows spans the same factor. */
const LONG = 4;
/** Partitions of a class, and classes: more than float32 has. */
const MOST_OF_CLASS = 64;
const CLASSES = 64;
/** Partitions that long rows can have. */
export const MOST_LONG = CLASSES * MOST_OF_CLASS;
/** A long row whose cosine with those of its class is less than this gets a partition of its own, as long as there are any. */
const ALIKE = Math.SQRT1_2;
/** The partition of a long row before its unit has its turn. */
const UNPLACED = -1;

/** What threads share that place rows by their lengths. */
export interface SharedLengths {
  /** [the unit whose turn it is, long rows that have partitions] */
  state: Int32Array<SharedArrayBuffer>;
  /** For each direction: sum of the squared lengths of its rows, and their number. */
  squares: Float64Array<SharedArrayBuffer>;
  counts: Float64Array<SharedArrayBuffer>;
  /** For each long row that has a partition: its class and length. */
  classes: Int32Array<SharedArrayBuffer>;
  lengths: Float64Array<SharedArrayBuffer>;
  /** Their vectors, float32; grows with them. */
  rows: SharedArrayBuffer;
}

/** @param directions partitions of rows of usual length */
export function shareLengths(directions: number, dimension: number): SharedLengths {
  const doubles = (length: number) => new Float64Array(new SharedArrayBuffer(8 * length));
  return {
    state: new Int32Array(new SharedArrayBuffer(8)),
    squares: doubles(directions),
    counts: doubles(directions),
    classes: new Int32Array(new SharedArrayBuffer(4 * MOST_LONG)),
    lengths: doubles(MOST_LONG),
    rows: new SharedArrayBuffer(0, { maxByteLength: MOST_LONG * dimension * 4 }),
  };
}

/**
 * Puts lengths into partitions of directions: under `dot` a query looks first into those with the largest product. A
 * centroid gets the root mean square of its rows' lengths. Rows that are much longer than the others are the nearest of half
 * of all queries, whatever their partitions: they get partitions of their own, whose centroids are rows.
 *
 * Whether a long row begins a partition depends on the rows before it, so units take turns. The partitions do not depend on the number
 * of threads.
 */
export class PartitionLengths {
  readonly #usual: number;
  readonly #shared: SharedLengths;
  readonly #dimension: number;
  /** Of the unit: sums that are added to those of all when its turn comes. */
  readonly #squares: Float64Array;
  readonly #counts: Float64Array;
  /** Long rows that have partitions, as far as this thread has looked. */
  readonly #longRows: Float32Array[] = [];

  /** @param usual the length that most rows do not exceed */
  constructor(dimension: number, usual: number, shared: SharedLengths) {
    this.#usual = usual > 0 ? usual : Number.POSITIVE_INFINITY;
    this.#shared = shared;
    this.#dimension = dimension;
    this.#squares = new Float64Array(shared.squares.length);
    this.#counts = new Float64Array(shared.counts.length);
  }

  /** Measures rows of the unit. @param partitions by direction; those of long rows wait for the unit's turn */
  measure(vectors: Float32Array, partitions: Int32Array): void {
    const dimension = this.#dimension;
    for (let row = 0; row < partitions.length; row++) {
      const length = lengthOf(vectors.subarray(row * dimension, (row + 1) * dimension));
      if (length > LONG * this.#usual) partitions[row] = UNPLACED;
      else {
        this.#squares[partitions[row]!]! += length ** 2;
        this.#counts[partitions[row]!]!++;
      }
    }
  }

  /** Waits until all units before this one have ended their turn. */
  awaitTurn(unit: number): void {
    const { state } = this.#shared;
    for (let turn = Atomics.load(state, 0); turn < unit; turn = Atomics.load(state, 0)) Atomics.wait(state, 0, turn);
  }

  /** Assigns partitions to the long rows of the unit, in its turn. @param vectorOf returns a row's vector */
  place(partitions: Int32Array, vectorOf: (row: number) => Float32Array): void {
    for (const [row, partition] of partitions.entries())
      if (partition === UNPLACED) partitions[row] = this.#placeLong(vectorOf(row));
  }

  /** Ends the turn of a unit. */
  end(unit: number): void {
    const { state, squares, counts } = this.#shared;
    for (let i = 0; i < squares.length; i++) squares[i]! += this.#squares[i]!;
    for (let i = 0; i < counts.length; i++) counts[i]! += this.#counts[i]!;
    this.#squares.fill(0);
    this.#counts.fill(0);
    Atomics.store(state, 0, unit + 1);
    Atomics.notify(state, 0);
  }

  #placeLong(row: Float32Array): number {
    const { state, classes, lengths, rows, squares } = this.#shared;
    const length = lengthOf(row);
    const name = Math.min(CLASSES, Math.floor(Math.log(length / this.#usual) / Math.log(LONG)));
    const known = state[1]!;
    while (this.#longRows.length < known) this.#longRows.push(longRow(rows, this.#longRows.length, row.length));
    let nearest = { long: -1, cosine: -1 };
    let alike = 0;
    for (let long = 0; long < known; long++) {
      if (classes[long] !== name) continue;
      alike++;
      const cosine = innerProduct(row, this.#longRows[long]!) / (length * lengths[long]!);
      if (cosine > nearest.cosine) nearest = { long, cosine };
    }
    if (nearest.cosine >= ALIKE || alike === MOST_OF_CLASS) return squares.length + nearest.long;
    classes[known] = name;
    lengths[known] = length;
    rows.grow((known + 1) * row.length * 4);
    longRow(rows, known, row.length).set(row);
    state[1] = known + 1;
    return squares.length + known;
  }
}

/** Returns the centroids when all units have had their turn: those of the directions, then those of long rows. */
export function centroidsOfLengths(directions: Centroids, { state, squares, counts, rows }: SharedLengths): Centroids {
  const { count, dimension, vectors } = directions;
  const total = count + state[1]!;
  const scaled = new Float32Array(total * dimension);
  for (let partition = 0; partition < count; partition++) {
    const scale = counts[partition]! > 0 ? Math.sqrt(squares[partition]! / counts[partition]!) : 0;
    for (let i = partition * dimension; i < (partition + 1) * dimension; i++) scaled[i] = vectors[i]! * scale;
  }
  for (let long = 0; long < total - count; long++)
    scaled.set(longRow(rows, long, dimension), (count + long) * dimension);
  return { count: total, dimension, vectors: scaled };
}

function longRow(rows: SharedArrayBuffer, long: number, dimension: number): Float32Array {
  return new Float32Array(rows, long * dimension * 4, dimension);
}
