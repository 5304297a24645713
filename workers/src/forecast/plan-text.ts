/** The plan of a run for people. Pure. */
import { formatByteSize } from '../base/text/byte-size.ts';
import { formatDollars } from '../base/text/format-dollars.ts';
import { formatTable } from '../base/text/format-table.ts';
import type { Interval, RunPlan } from './run-plan.ts';

type Figures = RunPlan['total'];

/** Formats a plan as tables with a few sentences. @param columns of the terminal */
export function formatPlan(plan: RunPlan, columns?: number): string {
  const { stages, total, machine, bucketSize, search, storageDollarsPerMonth: month, notes = [] } = plan;
  const head = ['stage', 'tasks', 'time', 'CPU time', 'read', 'written', 'stored', 'requests', 'dollars', 'rates'];
  const sourceOf = (command: string) => plan.rates.find(({ stage }) => stage === command)?.source ?? '';
  const rows = stages.map((stage) => [stage.command, count(stage.tasks), ...cellsOf(stage), sourceOf(stage.command)]);
  const sum = ['all', count(stages.reduce((tasks, stage) => tasks + stage.tasks, 0)), ...cellsOf(total), ''];
  const price =
    machine.dollarsPerHour === undefined ? 'no price' : `$${machine.dollarsPerHour} an hour (${machine.date})`;
  const disk = formatByteSize(machine.diskGB * 1e9);
  const parts = [
    `Machine: ${machine.name}, ${machine.cpus} cores, ${Math.round(machine.memoryGiB)} GiB, ${disk} of disk, ${price}`,
    formatTable([head, ...rows, sum], columns),
    `In all: ${hours(total.hours.estimate)} (${hours(total.hours.low)} to ${hours(total.hours.high)}), ` +
      `${total.dollars ? `${range(total.dollars, formatDollars)}, ` : ''}${formatByteSize(total.bytesStored)} stored` +
      (month === undefined ? '' : ` (${formatDollars(month)} a month)`),
    ...(search ? [searchText(search)] : []),
    ...(bucketSize ? [bucketText(bucketSize, total.dollars !== undefined, columns)] : []),
    ...[...new Set(plan.rates.map(({ source, from }) => `Rates: ${source}: ${from}`))],
    ...notes.map((note) => `Note: ${note}.`),
  ];
  return parts.join('\n');
}

function cellsOf({
  hours: time,
  cpuHours,
  bytesRead,
  bytesWritten,
  bytesStored,
  requests,
  dollars: cost,
}: Figures): string[] {
  return [
    range(time, hours),
    hours(cpuHours.estimate),
    ...[bytesRead, bytesWritten, bytesStored].map(formatByteSize),
    count(requests),
    cost ? range(cost, formatDollars) : '',
  ];
}

function range({ estimate, low, high }: Interval, format: (value: number) => string): string {
  return estimate === 0 ? '0' : `${format(estimate)} (${format(low)} to ${format(high)})`;
}

function searchText({ strategy, estimates }: NonNullable<RunPlan['search']>): string {
  const others = estimates.map((one) => `${one.strategy} ${digits(one.seconds)} s`).join(', ');
  return `Search: ${strategy}; a task in the largest bucket: ${others}`;
}

function bucketText(
  { goal, chosen, choices }: NonNullable<RunPlan['bucketSize']>,
  hasPrice: boolean,
  columns?: number,
): string {
  const rows = choices.map(({ rows: size, buckets, hours: time, dollars: cost, searchHours, problem }) => [
    `${count(size)}${size === chosen ? ' <-' : ''}`,
    count(buckets),
    hours(time),
    hasPrice ? formatDollars(cost) : '',
    searchHours === undefined ? '' : hours(searchHours),
    problem ?? '',
  ]);
  const head = ['bucket size', 'buckets', 'time', 'dollars', 'searching one', ''];
  return [
    `Bucket size for ${goal}: ${count(chosen)}. Larger buckets cost less to search, and take longer: scale them up to the longest`,
    'acceptable time of one (the rule of the article that LanceFlow follows).',
    formatTable([head, ...rows], columns),
  ].join('\n');
}

function hours(value: number): string {
  if (value === 0) return '0';
  return value < 1 / 60 ? `${digits(value * 3600)} s` : value < 1 ? `${digits(value * 60)} min` : `${digits(value)} h`;
}

/** Formats with three significant digits. */
function digits(value: number): string {
  return value === 0 ? '0' : value >= 100 ? count(Math.round(value)) : `${Number(value.toPrecision(3))}`;
}

function count(value: number): string {
  return Math.round(value).toLocaleString('en');
}
