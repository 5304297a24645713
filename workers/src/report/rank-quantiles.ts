import { createHistogram, type Histogram } from './histogram.ts';

/** Distances at one rank: the median, and the range of the middle 80% of the queries. */
export interface RankQuantiles {
  rank: number;
  low: number;
  median: number;
  high: number;
}

/** Quantiles of the distance at selected ranks. Memory does not grow with rows. */
export interface RankScan {
  add(rank: number, distance: number): void;
  /** Returns the selected ranks that have distances, in ascending order. */
  quantiles(): RankQuantiles[];
}

/** Selected ranks from 10 to below 100; those above are ten times these, a hundred times, and so on. */
const STEPS = new Set([10, 12, 15, 20, 25, 30, 40, 50, 60, 80]);

/** Creates an empty scan: of ranks 1 to 10, and of round ranks above them. */
export function scanRanks(): RankScan {
  const histograms = new Map<number, Histogram>();
  return {
    add(rank, distance) {
      if (!isSelected(rank)) return;
      let histogram = histograms.get(rank);
      if (!histogram) {
        histogram = createHistogram();
        histograms.set(rank, histogram);
      }
      histogram.add(distance);
    },
    quantiles: () =>
      [...histograms]
        .filter(([, { count }]) => count > 0)
        .sort(([a], [b]) => a - b)
        .map(([rank, histogram]) => ({
          rank,
          low: histogram.quantile(0.1),
          median: histogram.quantile(0.5),
          high: histogram.quantile(0.9),
        })),
  };
}

function isSelected(rank: number): boolean {
  let step = rank;
  while (step >= 100 && step % 10 === 0) step /= 10;
  return step < 10 || STEPS.has(step);
}
