import { type Html, html } from './html.ts';

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

const round = (value: number) => Math.round(value * 100) / 100;
