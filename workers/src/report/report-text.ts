// The texts of the report page, and messages for users about rendering it.

import { DataError } from '../base/errors.ts';
import { counted } from '../base/text/counted.ts';
import { formatCount, formatEvalue, formatNumber, formatShare } from './format.ts';
import type { RankQuantiles } from './rank-quantiles.ts';
import type { FirstNeighbour } from './targets/first-neighbour-texts.ts';

/** Titles and column names. # marks a column of numbers. */
export const TITLES = {
  warnings: 'Warnings',
  distances: 'Distances',
  buckets: 'Buckets',
  bucketColumns: ['Bucket', '#Neighbours', '#Share', ''],
  firstShare: '#Share',
  searches: 'Searches',
  examples: 'First queries',
  ranks: 'Distance by rank',
  farQueries: 'Queries farthest from the database',
  queries: 'Queries',
  evalueColumn: '#E-value',
  query: 'Query',
  queryColumns: ['#Last distance', '#Neighbours', 'Bucket'],
  distanceColumn: '#Distance',
  exampleColumns: ['#Rank', 'Neighbour', '#Distance', '', 'Bucket'],
  stages: 'Time and memory',
  stageColumns: ['Stage', '#Tasks', '#Rows', '#Time', '', '#Longest task', '#CPU time', '#Output', '#Peak memory'],
} as const;

export const SENTENCES = {
  footer:
    'All neighbours are in the Parquet and CSV files beside this page: query_id, rank, target_id, distance, bucket.',
  noNeighbour: 'No query has a neighbour.',
  noDistances: 'No distances.',
  ranks:
    'Median over the queries; the band has the middle 80% of them. Where the line is flat, more neighbours are about as far as these.',
  droppedQueries:
    'Queries with 0 neighbours lost theirs to --max_evalue; the nearest target and its distance are shown all the same.',
  search: 'Find a query or a neighbour',
  sort: 'Click the name of a column to sort.',
  buckets: 'Number of neighbours by bucket.',
  searches: 'Strategy and time of the search of each bucket.',
  estimates: 'Pale bars are the times that the cost model estimated before it chose the strategy.',
  stages:
    'By stage. Time is the sum over the tasks of a stage, which may have run at the same time; peak memory is the maximum over its tasks.',
  noStages: 'There are no worker reports.',
  wholeTable: 'all vectors were compared',
  notMeasured: 'not measured',
  measureRecall: 'run again with --measure_recall to measure it',
} as const;

/** Titles of the axes. */
export const AXES = { distance: 'Distance', queries: 'Queries', rank: 'Rank', share: 'Share (%)' } as const;

export const bars = (start: string, end: string, queries: number): string =>
  `${start} to ${end}: ${counted(formatCount(queries), 'query')}`;

export const quantileTip = ({ rank, low, median, high }: RankQuantiles): string =>
  `Rank ${formatCount(rank)}: median ${formatNumber(median)}, 80% of the queries from ${formatNumber(low)} to ${formatNumber(high)}`;

export const vectorCount = (rows: number): string => counted(formatCount(rows), 'vector');
export const distanceOf = (metric: string, model: string | undefined): string =>
  `distance: ${metric}${model === undefined ? '' : `; model: ${model}`}`;

export const allAt = (distance: number): string => `All at about ${formatNumber(distance)}.`;

export const moreWarnings = (count: number): string => `${formatCount(count)} more are in the workers' reports.`;

/** @param which for example "first" */
export const shownOf = (shown: number, which: string, all: number): string =>
  `The ${formatCount(shown)} ${which} of ${formatCount(all)}.`;

export const withoutNeighbour = (queries: number): string => `${formatCount(queries)} without a neighbour`;
export const neighboursPerQuery = (k: number): string => `up to ${formatCount(k)} per query`;
export const bucketsWithNeighbours = (buckets: number): string => `neighbours in ${formatCount(buckets)} of them`;

export const recallInterval = (low: number, high: number, queries: number): string =>
  `95% interval ${low.toFixed(3)} to ${high.toFixed(3)}; share of the true neighbours found, measured on ${counted(formatCount(queries), 'query')}`;

export const quantiles = (median: number, ninth: number): string =>
  `median ${formatNumber(median)}; 90% of the queries below ${formatNumber(ninth)}`;

export const fewerThanK = (queries: number, k: number): string =>
  `${counted(formatCount(queries), 'query')} ${queries === 1 ? 'has' : 'have'} fewer than ${formatCount(k)} neighbours; the last one counts.`;

export const firstQueries = (shown: number, all: number, min: number, max: number): string =>
  `The first ${formatCount(shown)} of ${counted(formatCount(all), 'query')}, in the order of their ids, with their first neighbours. ` +
  `The bars are distances: from ${formatNumber(min)} to ${formatNumber(max)}, the farthest of all neighbours.`;

/** Number of names in a sentence. */
const MAX_NAMES = 3;

/** About neighbours that are nearer than chance would explain. */
export const SIGNIFICANCE = {
  title: 'Significance',
  fact: 'No significant neighbour',
  unknown: 'unknown',
  unknownNote: 'the neighbours have no E-values',
  share: (queries: string, all: string) => `${queries} of ${all}`,
  level: (maxEvalue: number) => `queries without an E-value of at most ${formatEvalue(maxEvalue)}`,
  counted: (queries: number, all: number, maxEvalue: number, dropped: number) =>
    `${formatCount(queries)} of ${counted(formatCount(all), 'query')} (${formatShare(queries / all)}) ${queries === 1 ? 'has' : 'have'} no significant neighbour: ` +
    `none with an E-value of at most ${formatEvalue(maxEvalue)}, which is the number of targets of the whole database that one would expect so near by chance. ` +
    'Such a query may have no relative in the database, or one that its distance does not tell from chance.' +
    (dropped > 0 ? ` --max_evalue left ${formatCount(dropped)} of them without neighbours.` : ''),
  noEvalues: 'These neighbours have no E-values, so it is unknown which of them are significant.',
  indexAgain: (buckets: readonly string[]) =>
    'These neighbours have no E-values, so it is unknown which of them are significant: ' +
    `an earlier version built ${counted(formatCount(buckets.length), 'bucket')} without the distances of unrelated proteins (${namesOf(buckets)}). ` +
    `Run index-bucket again for ${buckets.length === 1 ? 'it' : 'each'}, then search again.`,
  ofCodes:
    'These neighbours have no E-values, so it is unknown which of them are significant: a refine factor of 0 reports estimated distances. Search with another one.',
} as const;

const namesOf = (names: readonly string[]): string =>
  names.slice(0, MAX_NAMES).join(', ') +
  (names.length > MAX_NAMES ? ` and ${formatCount(names.length - MAX_NAMES)} more` : '');

/** About the chart of distances between unrelated proteins. */
export const BACKGROUND_TEXTS = {
  medians: (first: FirstNeighbour, found: number, unrelated: number, near: number) =>
    `Bars: distances of the ${first} neighbours (median ${formatNumber(found)}). ` +
    `Line: of pairs of the database that were sampled as unrelated (median ${formatNumber(unrelated)}; 1% are nearer than ${formatNumber(near)}).`,
  caution:
    'Where both overlap, the distance alone does not tell: the nearest of many targets is nearer than most pairs also by chance. The E-value allows for that.',
  withoutDropped: 'Queries that --max_evalue left without neighbours are not in the chart.',
  tip: (first: FirstNeighbour, [start, end]: readonly string[], [found, unrelated]: readonly string[]) =>
    `${start} to ${end}: ${found} of the ${first} neighbours, ${unrelated} of the unrelated pairs`,
} as const;

/** Messages about options of render-report. */
export const REPORT_MESSAGES = {
  wrongTemplate: (template: string) =>
    `--link-template ${JSON.stringify(template)}: it must be an address of http or https with one {id} after its host: https://example.org/protein/{id}.`,
} as const;

/** @param row from 0 */
export function unsortedNeighbours(path: string, row: number): DataError {
  return new DataError(
    `${path}: row ${row} is out of order; neighbours are sorted by query and distance. Name the output of merge-hits.`,
  );
}

export function notJson(path: string, cause: Error): DataError {
  return new DataError(`${path}: this is not JSON (${cause.message}).`, { cause });
}

export function damagedReport(path: string, problem: string): DataError {
  return new DataError(`${path}: this worker's report is damaged: ${problem}. Run its command again with --json.`);
}

export function noReport(path: string): DataError {
  return new DataError(`${path}: this is not a worker's report. Name files with the output of --json.`);
}
