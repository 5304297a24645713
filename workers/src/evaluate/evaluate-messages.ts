import { DataError } from '../base/errors.ts';
import { counted } from '../base/text/counted.ts';
import { quoteValue } from '../base/text/quote.ts';

// Errors, warnings and log lines of this folder, for users.

export const EVALUATE_MESSAGES = {
  noQuerySet: '--queries needs at least one shard.',
  wrongPlot: (path: string) => `--plot ${path}: the name must end in .html or .svg.`,
  sameOutputs: '--output and --plot name the same file. Give each its own.',
  wrongList: (option: string, text: string, expected: string) =>
    `--${option} ${text}: write ${expected}, with commas between.`,
  noStrategy: (strategies: readonly string[]) =>
    `No bucket can be searched by ${strategies.join(' or ')}: none has an index or an order of partitions. ` +
    'Name exact in --strategies, or build the buckets with an index.',
  tooMany: (queries: number, k: number, points: number, most: number) =>
    `${counted(queries, 'query')} x k = ${k} x ${counted(points, 'point')} of the grid are more than ${most} hits, which are kept in memory. ` +
    'Reduce --sample, --k, --nprobes or --refine-factor.',
  noRows: (uri: string) => `${uri}: its buckets have no rows to evaluate. Add data, or name another --database.`,
  severalKinds: (uri: string, kinds: readonly string[]) =>
    `${uri}: its buckets differ in model, components or metric (${kinds.join('; ')}), so no query can be compared with all of them. ` +
    'Name those of one kind in --buckets.',
  notRecorded: (uri: string, reason: string) =>
    `${uri}: the recall is not recorded there, so catalog will not show it: ${reason}.`,
  keptRecord: (uri: string, buckets: number) =>
    `${uri}: the recall of ${counted(buckets, 'bucket')} is not recorded there: catalog keeps that of more buckets.`,
  recommended: (target: number, settings: string) =>
    `The quickest point whose 95% interval of the recall begins at ${target} or above: ${settings}. To search with it:`,
  noneReaches: (target: number, mean: string, queries: number) =>
    `No point of the grid has a recall whose 95% interval begins at ${target} or above: the best begins at ${mean}. Add exact to --strategies, ` +
    `larger --nprobes or --refine-factor, or more queries than ${queries} (--sample), which narrow the intervals.`,
} as const;

export function badEvaluation(where: string, problem: string): DataError {
  return new DataError(`${where}: not an evaluation (${problem}). Remove it, and run evaluate again.`);
}

export function otherFormat(where: string, format: unknown): DataError {
  return new DataError(
    `${where}: format ${quoteValue(String(format))} is not that of this version. Run evaluate again.`,
  );
}
