import { KEY_BYTES, KeyIndex } from '../base/bytes/key-index.ts';
import { murmur3 } from '../base/bytes/murmur3.ts';
import { type HitColumns, hitRows, hitsOf, type NeighbourColumns, sameText, textBytes } from '../hits/columns.ts';
import { type Estimate, estimateRecall } from '../vectors/recall.ts';

/**
 * Recall of a merged answer: which of the true neighbours of sampled queries are in it. A neighbour is the target and its
 * bucket; of targets at the same distance as the last, the answer must have those that rank first, so ties never
 * make it look better than it is.
 */
export class MergeRecall {
  /** True and found neighbours of each sampled query. */
  readonly #true: number[] = [];
  readonly #found: number[] = [];
  readonly #queries = new Map<string, number>();
  readonly #neighbours = new KeyIndex(Number.POSITIVE_INFINITY);
  readonly #key = new Uint32Array(KEY_BYTES / 4);

  /** Adds true neighbours, sorted by query. */
  addTruth(batch: NeighbourColumns): void {
    const hits = hitsOf(batch);
    eachQuery(hits, (name, from, to) => {
      const query = this.#queries.get(name) ?? this.#queries.size;
      this.#queries.set(name, query);
      this.#true[query] = (this.#true[query] ?? 0) + to - from;
      this.#found[query] ??= 0;
      for (let row = from; row < to; row++) this.#neighbours.add(this.#hash(hits, row), 0, query);
    });
  }

  /** Adds rows of the answer, sorted by query; those of other queries do not count. */
  addFound(batch: NeighbourColumns): void {
    const hits = hitsOf(batch);
    eachQuery(hits, (name, from, to) => {
      const query = this.#queries.get(name);
      if (query === undefined) return;
      for (let row = from; row < to; row++)
        if (this.#neighbours.get(this.#hash(hits, row), 0) === query) this.#found[query]!++;
    });
  }

  /** @returns nothing where no sampled query has a true neighbour */
  estimate(): Estimate | undefined {
    return this.#true.length === 0
      ? undefined
      : estimateRecall(this.#true.map((count, query) => this.#found[query]! / count));
  }

  #hash(hits: HitColumns, row: number): Uint32Array {
    const parts = [hits.queryIds, hits.targetIds, hits.buckets].map((texts) => textBytes(texts, row));
    // Lengths keep apart what would be the same end to end.
    const text = Buffer.concat([Buffer.from(`${parts[0]!.length} ${parts[1]!.length} `), ...parts]);
    murmur3(text, 0, text.length, this.#key, 0);
    return this.#key;
  }
}

/** Calls `visit` for each run of rows of one query, with its id as latin1 of its bytes. */
function eachQuery(hits: HitColumns, visit: (name: string, from: number, to: number) => void): void {
  const rows = hitRows(hits);
  for (let from = 0, to = 0; from < rows; from = to) {
    while (to < rows && sameText(hits.queryIds, to, hits.queryIds, from)) to++;
    visit(Buffer.from(textBytes(hits.queryIds, from)).toString('latin1'), from, to);
  }
}
