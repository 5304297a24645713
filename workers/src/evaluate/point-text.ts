import { formatTable } from '../base/text/format-table.ts';
import { shellWord } from '../base/text/quote.ts';
import { formatBytes } from '../report/format.ts';
import type { Estimate } from '../vectors/recall.ts';
import type { Evaluation, EvaluationPoint, PointSettings } from './evaluation.ts';

/** Formats settings as "ann, nprobes 20, refine factor 10". */
export function settingsText({ strategy, nprobes, refineFactor }: PointSettings): string {
  const words = [
    strategy,
    nprobes && `nprobes ${nprobes}`,
    refineFactor !== undefined && `refine factor ${refineFactor}`,
  ];
  return words.filter(Boolean).join(', ');
}

/** Formats a recall and its interval. */
export function recallText({ mean, low, high }: Pick<Estimate, 'mean' | 'low' | 'high'>): string {
  return `${mean.toFixed(4)} (${low.toFixed(4)} to ${high.toFixed(4)})`;
}

/** Formats a time with three digits, in milliseconds. */
export function millisecondsText(seconds: number): string {
  const milliseconds = 1000 * seconds;
  return milliseconds >= 1000 ? Math.round(milliseconds).toString() : milliseconds.toPrecision(3);
}

/** Names of the columns. */
export const pointColumns = (k: number): string[] => [
  'strategy',
  'nprobes',
  'refine factor',
  `recall@${k} (95%)`,
  'ms a query',
  'read',
  'to fetch',
];

/** Formats a point's cells. */
export function pointCells({ strategy, nprobes, refineFactor, ...point }: EvaluationPoint): string[] {
  return [
    strategy,
    nprobes === undefined ? '-' : String(nprobes),
    refineFactor === undefined ? '-' : String(refineFactor),
    recallText(point.recall),
    millisecondsText(point.secondsPerQuery),
    formatBytes(point.bytesRead),
    formatBytes(point.bytesFetched),
  ];
}

/** Formats the points as a table for a terminal. @param columns of the terminal */
export function pointTable({ points, k, recommended }: Evaluation, columns?: number): string {
  const rows = points.map((point, i) => [...pointCells(point), i === recommended ? '<- recommended' : '']);
  return formatTable([[...pointColumns(k), ''], ...rows], columns);
}

/** Returns the command line that searches with a point's settings. */
export function searchCommand({ database, k }: Pick<Evaluation, 'database' | 'k'>, point: PointSettings): string {
  const { strategy, nprobes, refineFactor } = point;
  const options = [
    `--database ${shellWord(database)} --k ${k} --search ${strategy}`,
    nprobes && `--nprobes ${nprobes}`,
    refineFactor !== undefined && `--refine_factor ${refineFactor}`,
  ];
  return `bin/nextflow run main.nf --queries queries.fasta --outdir results ${options.filter(Boolean).join(' ')}`;
}
