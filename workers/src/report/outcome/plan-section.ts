import { formatDollars } from '../../base/text/format-dollars.ts';
import type { RunPlan } from '../../forecast/run-plan.ts';
import { formatBytes, formatCount, formatSeconds } from '../format.ts';
import { type Html, html } from '../html.ts';
import { number, table } from '../page-parts.ts';
import { OUTCOME_TEXTS } from './outcome-texts.ts';
import { type Compared, comparePlan, ratioOf, type StageComparison } from './plan-comparison.ts';
import type { WorkerReport } from './worker-report.ts';

const FIGURES = {
  tasks: formatCount,
  seconds: formatSeconds,
  bytesRead: formatBytes,
  bytesWritten: formatBytes,
  dollars: formatDollars,
} as const satisfies Partial<Record<keyof StageComparison, (value: number) => string>>;
type Figure = keyof typeof FIGURES;

/** Builds the table of what each stage was planned to take, and took. */
export function planSection(plan: RunPlan, reports: readonly WorkerReport[]): Html {
  const { stages, total } = comparePlan(plan, reports);
  const { machine } = plan;
  const hasPrice = total.dollars.planned !== undefined;
  const figures = (Object.keys(FIGURES) as Figure[]).filter((figure) => hasPrice || figure !== 'dollars');
  const row = (name: Html, stage: StageComparison) =>
    html`<tr><td>${name}</td>${figures.map((figure) => cells(stage[figure], FIGURES[figure], figure !== 'tasks'))}</tr>\n`;
  const { stage, ...heads } = OUTCOME_TEXTS.planColumns;
  const cost = hasPrice ? OUTCOME_TEXTS.cost(machine.name, machine.date) : OUTCOME_TEXTS.noCost(machine.name);
  return html`<h2>${OUTCOME_TEXTS.planTitle}</h2>
<p>${OUTCOME_TEXTS.plan(plan.version)} ${cost} ${OUTCOME_TEXTS.totalNote}</p>
${table(
  [stage, ...figures.flatMap((figure) => heads[figure])],
  [
    ...stages.map((one) => row(html`<span>${one.command}</span>`, one)),
    row(html`<strong>${OUTCOME_TEXTS.total}</strong>`, total),
  ],
)}`;
}

function cells(compared: Compared, format: (value: number) => string, hasRatio: boolean): Html {
  const { planned, low, high, took } = compared;
  const shown = (value: number | undefined) => (value === undefined ? '' : format(value));
  const ratio = hasRatio ? ratioOf(compared) : undefined;
  const interval = low === undefined || high === undefined ? '' : OUTCOME_TEXTS.interval(format(low), format(high));
  return html`${number(html`${shown(planned)}${small(interval)}`)}${number(html`${shown(took)}${small(ratio === undefined ? '' : OUTCOME_TEXTS.ratio(ratio))}`)}`;
}

const small = (text: string): Html => (text === '' ? html`` : html`<small>${text}</small>`);
