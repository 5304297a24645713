import * as Plot from '@observablehq/plot';
import { parseHTML } from 'linkedom';
import { formatCount, formatNumber, formatShare } from './format.ts';
import type { Histogram } from './histogram.ts';
import { Html } from './html.ts';
import type { RankQuantiles } from './rank-quantiles.ts';
import { AXES, BACKGROUND_TEXTS, bars, quantileTip } from './report-text.ts';
import type { Background } from './significance/background.ts';
import type { FirstNeighbour } from './targets/first-neighbour-texts.ts';

/** Size of a drawing in its own units; the browser scales it. */
const SIZE = { width: 480, height: 232, marginTop: 26, marginLeft: 52, marginBottom: 44 };
const MAX_BARS = 48;
/** Number of ranks from which their axis is logarithmic. */
const LOG_RANKS = 20;

/**
 * Draws a histogram of distances. A tooltip shows the exact count of each bar.
 * @param range of the axis, not empty, so that several charts can be compared
 */
export function histogramChart(
  histogram: Histogram,
  range: readonly [start: number, end: number],
  title: string,
): Html {
  const bins = histogram.bins(MAX_BARS, range);
  const domain = [bins[0]!.start, bins.at(-1)!.end];
  return drawChart(title, {
    x: { label: AXES.distance, domain, nice: true, labelArrow: 'none' },
    y: { label: AXES.queries, grid: true, nice: true, labelArrow: 'none', tickFormat: wholeCount },
    marks: [
      Plot.rectY(bins, {
        ...{ x1: 'start', x2: 'end', y: 'count', inset: 0.5, fill: 'var(--accent)' },
        title: ({ start, end, count }) => bars(formatNumber(start), formatNumber(end), count),
      }),
      Plot.ruleY([0]),
    ],
  });
}

/**
 * Draws the distances of first neighbours as bars, and those of unrelated pairs as a line, both as shares of their number.
 * @param range of the axis, not empty
 */
export function comparisonChart(
  [first, distances]: readonly [FirstNeighbour, Histogram],
  background: Background,
  range: readonly [start: number, end: number],
  title: string,
): Html {
  const bins = distances.bins(MAX_BARS, range).map(({ start, end, count }) => ({
    ...{ start, end, found: count / distances.count },
    unrelated: background.shareBelow(end) - background.shareBelow(start),
  }));
  const domain = [bins[0]!.start, bins.at(-1)!.end];
  // The line is a step for each bar; its last step ends where the last bar does.
  const steps = [...bins, { start: domain[1]!, unrelated: bins.at(-1)!.unrelated }];
  const line = { x: 'start', y: 'unrelated', curve: 'step-after' } as const;
  return drawChart(title, {
    x: { label: AXES.distance, domain, nice: true, labelArrow: 'none' },
    y: { label: AXES.share, percent: true, grid: true, nice: true, labelArrow: 'none' },
    marks: [
      Plot.rectY(bins, {
        ...{ x1: 'start', x2: 'end', y: 'found', inset: 0.5, fill: 'var(--accent)' },
        title: ({ start, end, found, unrelated }) =>
          BACKGROUND_TEXTS.tip(first, [start, end].map(formatNumber), [found, unrelated].map(formatShare)),
      }),
      Plot.lineY(steps, { ...line, stroke: 'var(--ink)', strokeWidth: 1.5 }),
      Plot.ruleY([0]),
    ],
  });
}

/** Draws the median of the distance by rank, within the range of the middle 80% of the queries. */
export function rankChart(ranks: readonly RankQuantiles[], title: string): Html {
  const type = ranks.at(-1)!.rank > LOG_RANKS ? ('log' as const) : ('linear' as const);
  return drawChart(title, {
    x: { label: AXES.rank, type, labelArrow: 'none', tickFormat: wholeCount },
    y: { label: AXES.distance, grid: true, nice: true, labelArrow: 'none' },
    marks: [
      Plot.areaY(ranks, { x: 'rank', y1: 'low', y2: 'high', fill: 'var(--accent)', fillOpacity: 0.25 }),
      Plot.lineY(ranks, { x: 'rank', y: 'median', stroke: 'var(--accent)', strokeWidth: 2 }),
      Plot.dot(ranks, { x: 'rank', y: 'median', r: 2.5, fill: 'var(--accent)', title: quantileTip }),
    ],
  });
}

/** Labels whole numbers only: half a query and rank 1.5 do not exist. */
const wholeCount = (value: number): string => (Number.isInteger(value) ? formatCount(value) : '');

/** Draws a chart as SVG, in the colors of the page. @param title for readers of the screen */
export function drawChart(title: string, options: Plot.PlotOptions): Html {
  // Plot expects a browser's document, of whose types this project has none.
  const { document } = parseHTML('<!DOCTYPE html><html><body></body></html>');
  const svg = Plot.plot({ ...SIZE, ...options, document: document as never, ariaLabel: title });
  svg.setAttribute('role', 'img');
  return new Html(svg.outerHTML);
}
