/**
 * Bin packing of shards into buckets: best fit decreasing (Johnson 1974), as in the article.
 */

/** Rows [start, end) of shard number `shard`. */
export interface RowRange {
  shard: number;
  start: number;
  end: number;
}

/** Measures of a packing. */
export interface PackingQuality {
  bucketCount: number;
  /** No packing has fewer buckets: ceil(total rows / bucket size). */
  lowerBound: number;
  /** Row count of a bucket as a share of the bucket size. */
  fill: { min: number; mean: number; max: number };
  /** Row count of the largest bucket minus that of the smallest. */
  spreadRows: number;
}

/**
 * Packs shards into buckets of at most `bucketSize` rows. A shard larger than a bucket is cut into full buckets and a remainder, which is
 * packed like any other shard. Deterministic.
 * @param shards rows of each shard to pack; empty ranges are ignored
 * @returns each bucket's row ranges, by shard; buckets in the order in which they were opened
 */
export function packShards(shards: readonly RowRange[], bucketSize: number): RowRange[][] {
  const { full, pieces } = cutLargeShards(shards, bucketSize);
  pieces.sort((a, b) => b.end - b.start - (a.end - a.start) || a.shard - b.shard || a.start - b.start);
  const last = pieces.at(-1);
  const open = new OpenBuckets(bucketSize, last === undefined ? 1 : last.end - last.start);
  for (const piece of pieces) open.place(piece);
  const buckets = [...full.map((range) => [range]), ...open.buckets];
  for (const bucket of buckets) bucket.sort((a, b) => a.shard - b.shard || a.start - b.start);
  return buckets;
}

function cutLargeShards(shards: readonly RowRange[], bucketSize: number) {
  const full: RowRange[] = [];
  const pieces: RowRange[] = [];
  for (const { shard, start: first, end } of shards) {
    let start = first;
    for (; end - start > bucketSize; start += bucketSize) full.push({ shard, start, end: start + bucketSize });
    if (end > start) pieces.push({ shard, start, end });
  }
  return { full, pieces };
}

/** Returns the ranges of rows [0, rows) of a shard that `held` does not cover. @param held in any order, may overlap */
export function rangesNotHeld(
  shard: number,
  rows: number,
  held: ReadonlyArray<{ start: number; end: number }>,
): RowRange[] {
  const ranges: RowRange[] = [];
  let next = 0;
  for (const { start, end } of [...held].sort((a, b) => a.start - b.start)) {
    if (Math.min(start, rows) > next) ranges.push({ shard, start: next, end: Math.min(start, rows) });
    next = Math.max(next, end);
  }
  if (next < rows) ranges.push({ shard, start: next, end: rows });
  return ranges;
}

/** Open buckets, sorted by free rows: the tightest fit is found by binary search. */
class OpenBuckets {
  readonly buckets: RowRange[][] = [];
  readonly #bucketSize: number;
  readonly #smallestPiece: number;
  readonly #freeRows: number[] = [];
  /** #bucketOf[i] is the bucket that has #freeRows[i] free rows. */
  readonly #bucketOf: number[] = [];

  /** @param smallestPiece row count of the smallest piece: a bucket with fewer free rows is closed */
  constructor(bucketSize: number, smallestPiece: number) {
    this.#bucketSize = bucketSize;
    this.#smallestPiece = smallestPiece;
  }

  place(piece: RowRange): void {
    const rows = piece.end - piece.start;
    const tightest = this.#firstWithFree(rows);
    let bucket = this.#bucketOf[tightest];
    let freeRows = this.#bucketSize;
    if (bucket === undefined) {
      bucket = this.buckets.push([]) - 1;
    } else {
      freeRows = this.#freeRows[tightest]!;
      this.#freeRows.splice(tightest, 1);
      this.#bucketOf.splice(tightest, 1);
    }
    this.buckets[bucket]!.push(piece);
    if (freeRows - rows < this.#smallestPiece) return;
    const position = this.#firstWithFree(freeRows - rows);
    this.#freeRows.splice(position, 0, freeRows - rows);
    this.#bucketOf.splice(position, 0, bucket);
  }

  /** Returns the first position whose bucket has at least `rows` free rows; the length if none has. */
  #firstWithFree(rows: number): number {
    let low = 0;
    let high = this.#freeRows.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#freeRows[middle]! < rows) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** Computes the quality of a packing. @param buckets at least one */
export function packingQuality(buckets: readonly RowRange[][], bucketSize: number): PackingQuality {
  const rows = buckets.map((ranges) => ranges.reduce((sum, { start, end }) => sum + end - start, 0));
  const totalRows = rows.reduce((sum, n) => sum + n, 0);
  const min = rows.reduce((least, n) => Math.min(least, n), Number.POSITIVE_INFINITY);
  const max = rows.reduce((most, n) => Math.max(most, n), 0);
  return {
    bucketCount: buckets.length,
    lowerBound: Math.ceil(totalRows / bucketSize),
    fill: { min: min / bucketSize, mean: totalRows / buckets.length / bucketSize, max: max / bucketSize },
    spreadRows: max - min,
  };
}
