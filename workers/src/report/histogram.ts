/** Counts values of any range in bounded memory: when the bins become too many, pairs of them are merged. */
export interface Histogram {
  readonly count: number;
  add(value: number): void;
  /** Returns at most `maxBins` bins from the smallest finite value to the largest. */
  bins(maxBins: number): Bin[];
  /** Returns a quantile, with an error of at most a 500th of the range. */
  quantile(share: number): number;
}

/** Values in [start, end). */
export interface Bin {
  start: number;
  end: number;
  count: number;
}

const MAX_BINS = 2048;

/** Creates an empty histogram. Infinite values and NaN are not counted. */
export function createHistogram(): Histogram {
  // Bin i holds [i * width, (i + 1) * width). The width is a power of two, so that merging bins is exact.
  let width = 2 ** -40;
  let counts = new Map<number, number>();
  let count = 0;
  const put = (bin: number, added: number) => counts.set(bin, (counts.get(bin) ?? 0) + added);
  const widen = () => {
    width *= 2;
    const narrow = counts;
    counts = new Map();
    for (const [bin, binCount] of narrow) put(Math.floor(bin / 2), binCount);
  };
  const sorted = () => [...counts].sort(([a], [b]) => a - b);
  return {
    get count() {
      return count;
    },
    add(value) {
      if (!Number.isFinite(value)) return;
      count++;
      while (Math.abs(value / width) >= 2 ** 52) widen();
      put(Math.floor(value / width), 1);
      while (counts.size > MAX_BINS) widen();
    },
    bins(maxBins) {
      const all = sorted();
      if (all.length === 0) return [];
      const step = stepOf(all[0]![0], all.at(-1)![0], maxBins);
      const first = Math.floor(all[0]![0] / step);
      const last = Math.floor(all.at(-1)![0] / step);
      const bins = Array.from({ length: last - first + 1 }, (_, i) => ({
        start: (first + i) * step * width,
        end: (first + i + 1) * step * width,
        count: 0,
      }));
      for (const [bin, binCount] of all) bins[Math.floor(bin / step) - first]!.count += binCount;
      return bins;
    },
    quantile(share) {
      let before = 0;
      for (const [bin, binCount] of sorted()) {
        before += binCount;
        if (before >= share * count) return (bin + 0.5) * width;
      }
      return Number.NaN;
    },
  };
}

/** Returns the number of bins, a power of two, to merge into one so that at most `maxBins` remain. */
function stepOf(first: number, last: number, maxBins: number): number {
  let step = 1;
  while (Math.floor(last / step) - Math.floor(first / step) + 1 > maxBins) step *= 2;
  return step;
}
