import { formatCount, formatNumber } from './format.ts';
import type { Histogram } from './histogram.ts';
import { type Html, html } from './html.ts';
import { SENTENCES } from './report-text.ts';

/** Size of the drawing in its own units; the browser scales it. */
const WIDTH = 480;
const HEIGHT = 200;
const LEFT = 56;
const BOTTOM = 28;
const TOP = 10;
const RIGHT = 12;
const MAX_BARS = 48;
const GAP = 1;

/** Draws a histogram as an SVG with bars and axes. A tooltip shows the exact count of each bar. */
export function histogramChart(histogram: Histogram, title: string): Html {
  const bins = histogram.bins(MAX_BARS);
  if (bins.length === 0) return html`<p class="note">${SENTENCES.noDistances}</p>`;
  if (bins.length === 1) return html`<p class="note">All at about ${formatNumber(bins[0]!.start)}.</p>`;
  const ceiling = niceCeiling(Math.max(...bins.map(({ count }) => count)));
  const start = bins[0]!.start;
  const end = bins.at(-1)!.end;
  const x = (value: number) => LEFT + ((WIDTH - LEFT - RIGHT) * (value - start)) / (end - start);
  const y = (count: number) => HEIGHT - BOTTOM - ((HEIGHT - BOTTOM - TOP) * count) / ceiling;
  const bars = bins.map(
    (bin) =>
      html`<rect class="bar" x="${round(x(bin.start))}" y="${round(y(bin.count))}" width="${round(Math.max(0.5, x(bin.end) - x(bin.start) - GAP))}" height="${round(HEIGHT - BOTTOM - y(bin.count))}"><title>${formatNumber(bin.start)} to ${formatNumber(bin.end)}: ${formatCount(bin.count)} queries</title></rect>`,
  );
  const levels = [0, ceiling / 2, ceiling].filter(Number.isInteger);
  const rows = levels.map(
    (level) =>
      html`<line class="grid" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${round(y(level))}" y2="${round(y(level))}"/><text x="${LEFT - 6}" y="${round(y(level) + 4)}" text-anchor="end">${shortCount(level)}</text>`,
  );
  const labels = ticksBetween(start, end).map(
    (value) =>
      html`<text x="${round(x(value))}" y="${HEIGHT - BOTTOM + 18}" text-anchor="middle">${formatNumber(value)}</text>`,
  );
  return html`<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${title}">${rows}${bars}${labels}</svg>`;
}

/** Draws a bar for a table's cell. @param share of the longest bar, 0 to 1 */
export function barCell(share: number): Html {
  return html`<svg class="inline" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true"><rect class="bar" x="0" y="1" width="${round(100 * share)}" height="8"/></svg>`;
}

/** Draws two bars for a table's cell, one above the other. @param upper, lower shares of the longest bar, 0 to 1 */
export function pairCell(upper: number, lower: number): Html {
  return html`<svg class="inline" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true"><rect class="pale" x="0" y="0" width="${round(100 * upper)}" height="4.5"/><rect class="bar" x="0" y="5" width="${round(100 * lower)}" height="4.5"/></svg>`;
}

/** Draws a share, 0 to 1, on a scale with its interval. */
export function shareScale(mean: number, low: number, high: number): Html {
  const x = (share: number) => round(100 * Math.min(1, Math.max(0, share)));
  return html`<svg class="scale" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true"><rect class="track" x="0" y="3" width="100" height="4"/><rect class="pale" x="${x(low)}" y="1" width="${round(Math.max(0.5, x(high) - x(low)))}" height="8"/><rect class="bar" x="${round(Math.max(0, x(mean) - 0.5))}" y="0" width="1" height="10"/></svg>`;
}

/** Returns the smallest round number that is at least `count`; it is less than twice `count`. */
function niceCeiling(count: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(1, count)));
  return (
    power *
    [1, 1.2, 1.6, 2, 2.4, 3, 4, 5, 6, 8, 10].find((step) => step * power >= count && Number.isInteger(step * power))!
  );
}

/** Returns three to eight multiples of 1, 2 or 5 times a power of ten, from `start` to `end`. */
export function ticksBetween(start: number, end: number): number[] {
  const power = 10 ** Math.floor(Math.log10((end - start) / 3));
  const step = power * ([5, 2].find((factor) => 3 * factor * power <= end - start) ?? 1);
  const first = Math.ceil(start / step);
  // Division by a whole number keeps 0.3 from becoming 0.30000000000000004.
  const at = (i: number) => (step < 1 ? (first + i) / Math.round(1 / step) : (first + i) * step);
  return Array.from({ length: Math.floor(end / step) - first + 1 }, (_, i) => at(i));
}

function shortCount(count: number): string {
  if (count >= 1e6) return `${count / 1e6}M`;
  return count >= 1e4 ? `${count / 1e3}k` : formatCount(count);
}

const round = (value: number) => Math.round(value * 100) / 100;
