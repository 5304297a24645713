import { type Html, html } from './html.ts';
import { warningsOf } from './outcome/stages.ts';
import type { WorkerReport } from './outcome/worker-report.ts';
import { pageHead } from './page-parts.ts';
import { moreWarnings, TITLES } from './report-text.ts';
import { SCRIPT, SCRIPT_HASH } from './sortable-table.ts';
import { STYLE } from './style.ts';

const MAX_WARNINGS = 100;

/** Texts of a page. */
export interface PageTexts {
  /** Of the browser's window. */
  title: string;
  heading: string;
  note: string;
  footer: string;
}

/**
 * Builds a page, which loads no external resources. It begins with the warnings, because a reader must know them before the results, and has
 * a place for the facts of the run, which the pipeline adds.
 */
export function pageOf(
  { title, heading, note, footer }: PageTexts,
  reports: readonly WorkerReport[],
  sections: readonly (Html | '')[],
): string {
  const page = html`${pageHead(title, [STYLE], SCRIPT_HASH)}
<body>
<h1>${heading}</h1>
<p class="note">${note}</p>
${warningSection(reports)}
${sections.map((section) => html`${section}\n`)}<!-- run -->
<footer>${footer}</footer>
<script>${SCRIPT}</script>
</body>
</html>
`;
  return page.markup;
}

function warningSection(reports: readonly WorkerReport[]): Html {
  const all = warningsOf(reports);
  if (all.length === 0) return html``;
  const hidden = all.length - MAX_WARNINGS;
  return html`<section class="warnings"><h2>${TITLES.warnings}</h2>
<ul>
${all.slice(0, MAX_WARNINGS).map((text) => html`<li dir="auto">${text}.</li>\n`)}</ul>
${hidden > 0 ? html`<p>${moreWarnings(hidden)}</p>` : ''}</section>`;
}
