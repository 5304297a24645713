import { UsageError } from '../base/errors.ts';
import type { CatalogEntry } from '../database/catalog/catalog-entry.ts';
import {
  DEFAULT_REFINE_FACTOR,
  defaultNprobes,
  SEARCH_STRATEGIES,
  type SearchStrategy,
} from '../search/plan/strategies.ts';
import { EVALUATE_MESSAGES } from './evaluate-messages.ts';
import type { PointSettings } from './evaluation.ts';

/** What a grid has where the user does not say. */
export interface GridDefaults {
  strategies: readonly SearchStrategy[];
  /** Probes, as multiples of those of a search. */
  probeSteps: readonly number[];
  refineFactors: readonly number[];
}

const WIDE_GRID: GridDefaults = {
  strategies: SEARCH_STRATEGIES,
  probeSteps: [1 / 8, 1 / 4, 1 / 2, 1, 2, 4],
  refineFactors: [1, DEFAULT_REFINE_FACTOR, 4 * DEFAULT_REFINE_FACTOR],
};

/** The settings of a search without options, beside the exact answer. */
export const USUAL_SETTINGS: GridDefaults = {
  strategies: ['ann', 'exact'],
  probeSteps: [1],
  refineFactors: [DEFAULT_REFINE_FACTOR],
};

/** The user's choices, with commas between; undefined: by the buckets. */
export interface GridRequest {
  strategies?: string | undefined;
  nprobes?: string | undefined;
  refineFactor?: string | undefined;
}

/** Lists of a `GridRequest`. */
export interface GridLists {
  strategies?: readonly SearchStrategy[] | undefined;
  nprobes?: readonly number[] | undefined;
  refineFactors?: readonly number[] | undefined;
}

type Entry = Pick<CatalogEntry, 'rows' | 'index' | 'partitions'>;

/** Parses the lists of a grid; repetitions are dropped. @throws UsageError that names the option and the value */
export function parseGrid({ strategies, nprobes, refineFactor }: GridRequest): GridLists {
  return {
    strategies: strategies === undefined ? undefined : parseStrategies(strategies),
    nprobes: nprobes === undefined ? undefined : parseNumbers('nprobes', nprobes, 1),
    refineFactors: refineFactor === undefined ? undefined : parseNumbers('refine-factor', refineFactor, 0),
  };
}

function parseStrategies(text: string): SearchStrategy[] {
  const names = itemsOf(text);
  const known = SEARCH_STRATEGIES.filter((strategy) => names.includes(strategy));
  if (names.length === 0 || !names.every((name) => (SEARCH_STRATEGIES as readonly string[]).includes(name)))
    throw new UsageError(EVALUATE_MESSAGES.wrongList('strategies', text, SEARCH_STRATEGIES.join(' or ')));
  return known;
}

function parseNumbers(option: string, text: string, least: number): number[] {
  const items = itemsOf(text);
  const numbers = items.map(Number);
  const isValid = (value: number, i: number) =>
    /^\d+$/.test(items[i]!) && Number.isSafeInteger(value) && value >= least;
  if (items.length === 0 || !numbers.every(isValid))
    throw new UsageError(EVALUATE_MESSAGES.wrongList(option, text, `whole numbers from ${least}`));
  return ascending(numbers);
}

const itemsOf = (text: string) =>
  text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');

const ascending = (numbers: readonly number[]) => [...new Set(numbers)].sort((a, b) => a - b);

/**
 * Returns the points of a grid over the strategies that any bucket allows: `exact` once, `scan` by nprobes, `ann` by nprobes and refine
 * factors.
 * @throws UsageError if no bucket allows any of the strategies
 */
export function gridPoints(
  { strategies, nprobes, refineFactors }: GridLists,
  entries: readonly Entry[],
  defaults = WIDE_GRID,
): PointSettings[] {
  const wanted = strategies ?? defaults.strategies;
  const points = [...wanted].sort(exactFirst).flatMap((strategy): PointSettings[] => {
    if (strategy === 'exact') return [{ strategy }];
    const partitionCount = Math.max(0, ...entries.map((entry) => partitionsFor(strategy, entry)));
    if (partitionCount === 0) return [];
    const probes = probesOf(nprobes, partitionCount, defaults.probeSteps);
    if (strategy === 'scan') return probes.map((each) => ({ strategy, nprobes: each }));
    const refining = refineFactors ?? defaults.refineFactors;
    return probes.flatMap((each) => refining.map((refineFactor) => ({ strategy, nprobes: each, refineFactor })));
  });
  if (points.length === 0) throw new UsageError(EVALUATE_MESSAGES.noStrategy(wanted));
  return points;
}

/** The ground truth comes first, and is the answer of `exact`. */
function exactFirst(a: SearchStrategy, b: SearchStrategy): number {
  return SEARCH_STRATEGIES.indexOf(b) - SEARCH_STRATEGIES.indexOf(a);
}

/** Returns how many partitions a strategy can probe in a bucket; 0 if it cannot search it. */
export function partitionsFor(strategy: SearchStrategy, { index, partitions }: Entry): number {
  if (strategy === 'scan') return partitions?.count ?? 0;
  return index.kind === 'none' ? 0 : Math.max(1, index.partitions);
}

/** @param asked more than there are partitions probe all of them */
function probesOf(asked: readonly number[] | undefined, partitionCount: number, steps: readonly number[]): number[] {
  const usual = defaultNprobes(partitionCount);
  const probes = asked ?? steps.map((step) => Math.max(1, Math.round(usual * step)));
  return ascending(probes.map((count) => Math.min(count, partitionCount)));
}
