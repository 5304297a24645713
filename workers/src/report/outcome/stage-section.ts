import { barCell } from '../bars.ts';
import { formatBytes, formatCount, formatSeconds } from '../format.ts';
import { type Html, html } from '../html.ts';
import { number, table } from '../page-parts.ts';
import { SENTENCES, TITLES } from '../report-text.ts';
import { summarizeStages } from './stages.ts';
import type { WorkerReport } from './worker-report.ts';

/** Builds the table of what each stage took. */
export function stageSection(reports: readonly WorkerReport[]): Html {
  const all = summarizeStages(reports);
  if (all.length === 0) return html`<h2>${TITLES.stages}</h2><p>${SENTENCES.noStages}</p>`;
  const most = Math.max(...all.map(({ seconds }) => seconds), 1e-9);
  const cells = all.map(
    (stage) =>
      html`<tr><td>${stage.command}</td>${number(formatCount(stage.tasks))}${number(formatCount(stage.rows))}${number(formatSeconds(stage.seconds))}<td>${barCell(stage.seconds / most)}</td>${number(formatSeconds(stage.longestSeconds))}${number(formatSeconds(stage.cpuSeconds))}${number(formatBytes(stage.bytes))}${number(formatBytes(stage.peakMemoryBytes))}</tr>\n`,
  );
  return html`<h2>${TITLES.stages}</h2>
<p>${SENTENCES.stages}</p>
${table(TITLES.stageColumns, cells)}`;
}
