import { formatCount, formatId, formatSeconds } from './format.ts';
import { type Content, type Html, html } from './html.ts';
import { shownOf } from './report-text.ts';
import type { LinkOf } from './targets/target-link.ts';

/** Maximum row count of the tables by bucket: thousands of buckets would hide the rest of the page. */
export const MAX_BUCKETS = 100;

/**
 * Builds the start of a page, up to its body. Its policy lets a browser load nothing.
 * @param script hash of the only script that the browser may run
 */
export function pageHead(title: string, styles: readonly Html[], script?: string): Html {
  return html`<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'${script && html`; script-src '${script}'`}">
<title>${title}</title>
<style>${styles}</style>
</head>`;
}

/** Builds a table. @param head names of the columns; # marks a column of numbers */
export function table(head: readonly string[], rows: readonly Html[]): Html {
  const cells = head.map((name) =>
    name.startsWith('#') ? html`<th class="number">${name.slice(1)}</th>` : html`<th>${name}</th>`,
  );
  return html`<div class="scroll"><table>
<thead><tr>${cells}</tr></thead>
<tbody>
${rows}</tbody>
</table></div>`;
}

/** Builds a table's cell with a number. */
export const number = (text: Content): Html => html`<td class="number">${text}</td>`;

export const duration = (seconds: number | undefined): string => (seconds === undefined ? '' : formatSeconds(seconds));

/** Builds an id, isolated so that right-to-left text does not reorder the text around it. */
export const shownId = (id: string): Html => html`<bdi>${formatId(id)}</bdi>`;

/** Builds an id that leads to the protein's page, where one is known. */
export function shownTarget(id: string, linkOf: LinkOf): Html {
  const address = linkOf(id);
  return address === undefined ? shownId(id) : html`<a href="${address}" rel="noreferrer">${shownId(id)}</a>`;
}

/** States that a table shows only some of the buckets; empty if it shows all. */
export const bucketLimit = (bucketCount: number, which: string): string =>
  bucketCount > MAX_BUCKETS ? ` ${shownOf(MAX_BUCKETS, which, bucketCount)}` : '';

/** Builds one of the facts at the top of the page. */
export function fact(name: string, value: Content, note: string): Html {
  return html`<div><dt>${name}</dt><dd>${value}${note && html`<small>${note}</small>`}</dd></div>`;
}

/** Formats "nprobes 20", or "nprobes 20 to 32" for several values; empty if none is known. */
export function valueRange(name: string, values: readonly (number | undefined)[]): string[] {
  const known = values.filter((value) => value !== undefined);
  if (known.length === 0) return [];
  const [low, high] = [Math.min(...known), Math.max(...known)];
  return [`${name} ${low === high ? formatCount(low) : `${formatCount(low)} to ${formatCount(high)}`}`];
}
