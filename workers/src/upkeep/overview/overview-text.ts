import { counted } from '../../base/text/counted.ts';
import { formatTable } from '../../base/text/format-table.ts';
import { describeState } from '../../database/table-change.ts';
import { recallText, settingsText } from '../../evaluate/point-text.ts';
import { formatBytes, formatCount, formatShare } from '../../report/format.ts';
import type { Advice } from './advise.ts';
import type { BucketLine } from './bucket-line.ts';
import { type CatalogSummary, changesSince } from './summarize-catalog.ts';

/** Commands of one advice that are shown; the others differ in the bucket alone. */
const MOST_COMMANDS = 3;
/** Width of the names and the gap behind them. */
const LEAST_WIDTH = 12;
const DAY_MS = 86_400_000;

/** Formats the buckets as a table. @param columns of the terminal */
export function bucketTable(lines: readonly BucketLine[], columns?: number): string {
  const hasStates = lines.some(({ state }) => state !== undefined);
  const header = ['bucket', 'vectors', 'type', 'metric', 'index', 'order of rows', 'size', 'model', 'built (UTC)'];
  const rows = lines.map(
    ({ bucket, rows, dimension, vectorType, metric, index, orderPartitions, bytes, model, created, state }) => [
      bucket,
      String(rows),
      `${dimension} ${vectorType}`,
      metric,
      index.kind === 'none' ? 'none' : `${index.kind}, ${counted(index.partitions, 'partition')}`,
      orderPartitions > 0 ? counted(orderPartitions, 'partition') : 'as in the shards',
      `${(bytes / 1e6).toFixed(1)} MB`,
      String(model.model ?? 'unknown'),
      created.slice(0, 19).replace('T', ' '),
      ...(hasStates ? [state ? describeState(state) : ''] : []),
    ],
  );
  return formatTable([hasStates ? [...header, 'other clients'] : header, ...rows], columns);
}

/** Formats a database as a whole, line by line. @param nowMs the time, for its age */
export function summaryText(lines: readonly BucketLine[], summary: CatalogSummary, nowMs: number): string {
  const { deletedRows, fill, bucketSize, indexes, models, oldest, newest, recall } = summary;
  if (oldest === undefined || newest === undefined) return 'No buckets.';
  const sum = (of: (line: BucketLine) => number) => lines.reduce((total, line) => total + of(line), 0);
  const rows = sum((line) => line.rows);
  const deleted =
    deletedRows > 0 ? `, ${formatCount(deletedRows)} deleted (${formatShare(deletedRows / (rows + deletedRows))})` : '';
  const facts = [
    ['Vectors', `${formatCount(rows)} in ${counted(formatCount(lines.length), 'bucket')}${deleted}`],
    ['Size', formatBytes(sum(({ bytes }) => bytes))],
    ['Fill', `${formatShare(fill)} on average of ${formatCount(bucketSize)} vectors a bucket`],
    ['Index', countsText(indexes)],
    ['Model', countsText(models)],
    ['Built', `${dateOf(oldest)} (${ageText(oldest, nowMs)}) to ${dateOf(newest)} (${ageText(newest, nowMs)})`],
    [recall ? `Recall@${recall.k}` : 'Recall', recall ? recallLine(recall, lines) : 'not measured'],
  ];
  const width = Math.max(LEAST_WIDTH, ...facts.map(([name]) => `${name}:  `.length));
  return facts.map(([name, text]) => `${`${name}:`.padEnd(width)}${text}`).join('\n');
}

const dateOf = (time: string) => time.slice(0, 10);

function ageText(time: string, nowMs: number): string {
  const days = Math.max(0, Math.floor((nowMs - Date.parse(time)) / DAY_MS));
  return days === 0 ? 'today' : `${counted(days, 'day')} ago`;
}

function countsText(counts: Readonly<Record<string, number>>): string {
  const names = Object.entries(counts);
  return names.map(([name, count]) => (names.length === 1 ? name : `${name} (${counted(count, 'bucket')})`)).join(', ');
}

function recallLine(recall: NonNullable<CatalogSummary['recall']>, lines: readonly BucketLine[]): string {
  const { measured, sameBuckets, changedBuckets } = recall;
  const searched = sameBuckets + changedBuckets;
  const withRows = lines.filter(({ rows }) => rows > 0).length;
  // The recall of some buckets is not that of the database.
  const part = searched < withRows ? `in ${searched} of ${counted(withRows, 'bucket')}: ` : '';
  const changes = changesSince(recall);
  const outdated = changes === '' ? '' : `; outdated: ${changes} since`;
  return `${part}${recallText(recall.recall)} by ${settingsText(recall)}, measured ${dateOf(measured)}${outdated}`;
}

/** Formats what should be done; empty where nothing should. */
export function adviceText(advice: readonly Advice[]): string {
  if (advice.length === 0) return '';
  const items = advice.map(({ action, why, commands }) => {
    const more = commands.length - MOST_COMMANDS;
    const shown = commands.slice(0, MOST_COMMANDS).map((command) => `    ${command}`);
    return [
      `- ${action}: ${why}.`,
      ...shown,
      ...(more > 0 ? [`    ... and ${more} more for other buckets (--json lists them)`] : []),
    ];
  });
  return ['To do:', ...items.flat()].join('\n');
}
