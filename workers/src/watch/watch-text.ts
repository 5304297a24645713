import { counted } from '../base/text/counted.ts';
import { formatTable, shorten } from '../base/text/format-table.ts';
import { formatEta, percentOf } from '../base/text/progress-text.ts';
import { KILLED, type PipelineRun } from './pipeline-run.ts';
import type { RunningTask, RunState } from './task-folders.ts';

/** Characters of a task's last line on a terminal, so that the names of the tasks fit. */
const LAST_LINE = 16;
const COMPACT = new Intl.NumberFormat('en-US', { notation: 'compact', maximumSignificantDigits: 3 });
const HEADER = ['task', 'for', 'done', 'ETA', 'rate', 'of'];
/** Lines beside those of the tasks: the summary, the table's header, its rule, the count of tasks that are not shown, and the cursor's. */
const OTHER_LINES = 5;

/** Size of what shows the text: a terminal's. */
export interface Screen {
  columns: number;
  rows: number;
}

/** Formats a run's state: a summary, and a line for each running task. @param nowMs time of the state */
export function watchText(run: PipelineRun, state: RunState, nowMs: number, screen: Screen): string {
  const { running, waiting, ended, failed } = state;
  const failedText = failed === 0 ? '' : ` (${failed} failed)`;
  const parts = [`${running.length} running`, `${waiting} waiting`, `${ended} ended${failedText}`];
  const total = running.length + waiting + ended;
  const how = run.status === undefined ? 'runs' : endOf(run);
  const head = shorten(`${run.name} ${how}: ${counted(total, 'task')}, ${parts.join(', ')}`, screen.columns);
  if (running.length === 0) return head;
  const shown = running.slice(0, Math.max(1, screen.rows - OTHER_LINES));
  const table = formatTable([HEADER, ...shown.map((task) => cells(task, nowMs, screen))], screen.columns);
  const hidden = running.length - shown.length;
  return [head, table, ...(hidden > 0 ? [`and ${counted(hidden, 'more running task')}`] : [])].join('\n');
}

function endOf({ status, duration }: PipelineRun): string {
  if (status === KILLED) return 'was killed';
  return `${status === 'OK' ? 'succeeded' : 'failed'}${duration === undefined ? '' : ` after ${duration}`}`;
}

function cells({ name, startedMs, progress, lastLine }: RunningTask, nowMs: number, { columns }: Screen): string[] {
  const first = [name, formatEta(Math.max(0, nowMs - startedMs) / 1000)];
  if (progress === undefined)
    return [...first, '', '', '', Number.isFinite(columns) ? shorten(lastLine, LAST_LINE) : lastLine];
  const { done, total, unit, perSecond, etaSeconds } = progress;
  const share = total > 0 ? `${percentOf(done, total)}%` : '';
  const eta = etaSeconds === undefined ? '' : formatEta(etaSeconds);
  return [...first, share, eta, `${COMPACT.format(perSecond)}/s`, `${COMPACT.format(total)} ${unit}`];
}
