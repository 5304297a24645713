import { KEY_BYTES, KeyIndex } from '../base/bytes/key-index.ts';
import { murmur3 } from '../base/bytes/murmur3.ts';
import { type HitColumns, hitRows, hitsOf, type NeighbourColumns, sameText, textBytes } from '../hits/columns.ts';
import { type Estimate, estimateRecall } from '../vectors/recall.ts';

/**
 * Computes the recall of merged neighbours: the share of the sampled queries' ground truth that they contain. A neighbour is identified
 * by target and bucket. Of targets that tie with the last one, only those that rank first count, so ties never inflate the recall.
 */
export class MergedRecall {
  /** Ground truth neighbours of each sampled query, and how many of them were found. */
  readonly #trueCounts: number[] = [];
  readonly #foundCounts: number[] = [];
  readonly #queries = new Map<string, number>();
  readonly #neighbours = new KeyIndex(Number.POSITIVE_INFINITY);
  readonly #key = new Uint32Array(KEY_BYTES / 4);

  /** Adds merged ground truth, sorted by query. */
  addGroundTruth(batch: NeighbourColumns): void {
    const hits = hitsOf(batch);
    forEachQuery(hits, (id, from, to) => {
      const query = this.#queries.get(id) ?? this.#queries.size;
      this.#queries.set(id, query);
      this.#trueCounts[query] = (this.#trueCounts[query] ?? 0) + to - from;
      this.#foundCounts[query] ??= 0;
      for (let row = from; row < to; row++) this.#neighbours.add(this.#hash(hits, row), 0, query);
    });
  }

  /** Adds merged neighbours, sorted by query; queries outside the sample are ignored. */
  addFound(batch: NeighbourColumns): void {
    const hits = hitsOf(batch);
    forEachQuery(hits, (id, from, to) => {
      const query = this.#queries.get(id);
      if (query === undefined) return;
      for (let row = from; row < to; row++)
        if (this.#neighbours.get(this.#hash(hits, row), 0) === query) this.#foundCounts[query]!++;
    });
  }

  /** Returns the mean recall; undefined if no sampled query has a true neighbour. */
  estimate(): Estimate | undefined {
    return this.#trueCounts.length === 0
      ? undefined
      : estimateRecall(this.#trueCounts.map((count, query) => this.#foundCounts[query]! / count));
  }

  #hash(hits: HitColumns, row: number): Uint32Array {
    const parts = [hits.queryIds, hits.targetIds, hits.buckets].map((texts) => textBytes(texts, row));
    // The lengths in front make the text of each row unique.
    const text = Buffer.concat([Buffer.from(`${parts[0]!.length} ${parts[1]!.length} `), ...parts]);
    murmur3(text, 0, text.length, this.#key, 0);
    return this.#key;
  }
}

/** Calls `visit` for each run of rows of one query, with its id as latin1 of its bytes. */
function forEachQuery(hits: HitColumns, visit: (id: string, from: number, to: number) => void): void {
  const rows = hitRows(hits);
  for (let from = 0, to = 0; from < rows; from = to) {
    while (to < rows && sameText(hits.queryIds, to, hits.queryIds, from)) to++;
    visit(Buffer.from(textBytes(hits.queryIds, from)).toString('latin1'), from, to);
  }
}
