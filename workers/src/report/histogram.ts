/** Counts values of any range in bounded memory: when the bins become too many, pairs of them are merged. */
export interface Histogram {
  readonly count: number;
  add(value: number): void;
  /** Returns at most `maxBins` bins of a range. Histograms of one range have the same bins, unless a bin of theirs is wider. */
  bins(maxBins: number, range: readonly [from: number, to: number]): Bin[];
  /** Returns the starts of the first and the last bin with values, within a 500th of the range of the values; undefined if empty. */
  range(): [from: number, to: number] | undefined;
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
    bins(maxBins, [from, to]) {
      if (count === 0) return [];
      const step = stepOf(from / width, to / width, maxBins);
      const first = Math.floor(from / width / step);
      const last = Math.floor(to / width / step);
      const bins = Array.from({ length: last - first + 1 }, (_, i) => ({
        start: (first + i) * step * width,
        end: (first + i + 1) * step * width,
        count: 0,
      }));
      for (const [bin, binCount] of counts) {
        const at = bins[Math.floor(bin / step) - first];
        if (at) at.count += binCount;
      }
      return bins;
    },
    range() {
      const all = [...counts.keys()];
      const [first, last] = [Math.min(...all), Math.max(...all)];
      return count === 0 ? undefined : [first * width, last * width];
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
