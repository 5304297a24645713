/** Counts values of any range in bounded memory: where there are too many bins, each two become one. */
export interface Histogram {
  readonly count: number;
  add(value: number): void;
  /** The bins from the least value to the greatest, at most `most`; infinite values are left out. */
  bins(most: number): Bin[];
  /** About the value below which this share of the values lies; within a 500th of the range. */
  quantile(share: number): number;
}

export interface Bin {
  start: number;
  end: number;
  count: number;
}

const MOST_BINS = 2048;

export function createHistogram(): Histogram {
  // Bin i holds [i * width, (i + 1) * width): a power of two, so that merging bins is exact.
  let width = 2 ** -40;
  let counts = new Map<number, number>();
  let count = 0;
  const put = (bin: number, howMany: number) => counts.set(bin, (counts.get(bin) ?? 0) + howMany);
  const widen = () => {
    width *= 2;
    const narrow = counts;
    counts = new Map();
    for (const [bin, howMany] of narrow) put(Math.floor(bin / 2), howMany);
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
      while (counts.size > MOST_BINS) widen();
    },
    bins(most) {
      const all = sorted();
      if (all.length === 0) return [];
      const step = stepOf(all[0]![0], all.at(-1)![0], most);
      const first = Math.floor(all[0]![0] / step);
      const last = Math.floor(all.at(-1)![0] / step);
      const bins = Array.from({ length: last - first + 1 }, (_, i) => ({
        start: (first + i) * step * width,
        end: (first + i + 1) * step * width,
        count: 0,
      }));
      for (const [bin, howMany] of all) bins[Math.floor(bin / step) - first]!.count += howMany;
      return bins;
    },
    quantile(share) {
      let before = 0;
      for (const [bin, howMany] of sorted()) {
        before += howMany;
        if (before >= share * count) return (bin + 0.5) * width;
      }
      return Number.NaN;
    },
  };
}

/** How many bins, a power of two, become one so that no more than `most` are left. */
function stepOf(first: number, last: number, most: number): number {
  let step = 1;
  while (Math.floor(last / step) - Math.floor(first / step) + 1 > most) step *= 2;
  return step;
}
