import * as z from 'zod/mini';
import { AMOUNT, COUNT, choice, SIZE } from '../../base/text/document.ts';
import type { CatalogEntry } from '../../database/catalog/catalog-entry.ts';
import { ESTIMATE, type Estimate } from '../../vectors/recall.ts';
import { COST_ESTIMATE, type CostEstimate, estimateCosts, type MachineRates, preferredStrategy } from './cost.ts';
import { sampleSize } from './sample-size.ts';
import {
  DEFAULT_REFINE_FACTOR,
  defaultNprobes,
  filteredNprobes,
  possibleStrategies,
  SEARCH_STRATEGIES,
  type StrategyRequest,
} from './strategies.ts';

/** How a bucket will be searched, and why; a JSON document between a killed search and the next. */
export type SearchPlan = z.infer<typeof SEARCH_PLAN>;
export const SEARCH_PLAN = z.object({
  /** The strategy. */
  strategy: choice(SEARCH_STRATEGIES),
  nprobes: SIZE,
  refineFactor: COUNT,
  /** Recall measured on a sample of the queries, if one was requested. */
  recall: z.optional(ESTIMATE),
  /** Estimated seconds of each strategy, quickest first, where LanceFlow chose. */
  estimates: z.optional(z.array(COST_ESTIMATE)),
  /** Estimated seconds of the ground truth, where `estimates` are known. */
  truthSeconds: z.optional(AMOUNT),
});

/** Settings with which a sample of the queries reached the requested recall. */
export interface TunedSettings {
  nprobes: number;
  refineFactor: number;
  recall: Estimate;
}

/** All that is measured before the choice. */
export interface SearchMeasurements {
  /** Where `needsTuning`. */
  tuned?: TunedSettings | undefined;
  /** Where `needsRates`. */
  rates?: MachineRates | undefined;
}

type Entry = Pick<CatalogEntry, 'rows' | 'dimension' | 'vectorType' | 'index' | 'partitions'>;

/** Whether probes are chosen for a recall, which is then measured. */
export function needsTuning(request: StrategyRequest, entry: Entry): boolean {
  const { strategies } = possibleStrategies(request, entry);
  const canMiss = strategies.some((strategy) => strategy !== 'exact');
  return request.targetRecall !== undefined && request.nprobes === undefined && canMiss;
}

/** Whether there is a choice between strategies, which depends on the machine. */
export function needsRates(request: StrategyRequest, entry: Entry): boolean {
  return possibleStrategies(request, entry).strategies.length > 1;
}

/** Returns probes and refine factor: tuned, requested or default. */
export function chooseSettings(request: StrategyRequest, entry: Entry, tuned?: TunedSettings) {
  const { strategies } = possibleStrategies(request, entry);
  const partitionCount = strategies.includes('scan') ? entry.partitions!.count : entry.index.partitions;
  const least =
    request.where === undefined
      ? defaultNprobes(partitionCount)
      : filteredNprobes(partitionCount, request.k, entry.rows);
  const asked = request.nprobes ?? least;
  return {
    partitionCount,
    nprobes: tuned?.nprobes ?? Math.min(asked, Math.max(1, partitionCount)),
    refineFactor: tuned?.refineFactor ?? request.refineFactor ?? DEFAULT_REFINE_FACTOR,
  };
}

/** Estimates the strategies that answer a request, quickest first. */
export function estimateStrategies(
  request: StrategyRequest,
  entry: Entry,
  queryCount: number,
  { tuned, rates }: SearchMeasurements & { rates: MachineRates },
): CostEstimate[] {
  const { strategies } = possibleStrategies(request, entry);
  const { nprobes } = chooseSettings(request, entry, tuned);
  const work = { queryCount, k: request.k, nprobes, queriesInMemory: request.queriesInMemory };
  return estimateCosts(entry, work, rates).filter(({ strategy }) => strategies.includes(strategy));
}

/**
 * Returns whether the ground truth of a search may be written: it must cost at most a share of the search's time. That of `exact` is in its
 * hits. Without estimates, as for a requested strategy, the costs are unknown.
 * @param share undefined where the ground truth was requested
 */
export function isTruthWorth({ strategy, estimates, truthSeconds }: SearchPlan, share: number | undefined): boolean {
  if (share === undefined || strategy === 'exact') return true;
  const chosen = estimates?.find((estimate) => estimate.strategy === strategy);
  return chosen !== undefined && truthSeconds !== undefined && truthSeconds < share * chosen.seconds;
}

/**
 * Chooses how to search a bucket: the one strategy that is possible, or the preferred one by the estimates. A function of what
 * was measured alone, so the same measurements give the same plan.
 * @param request k: rows to find
 */
export function choosePlan(
  request: StrategyRequest,
  entry: Entry,
  queryCount: number,
  measurements: SearchMeasurements,
): { plan: SearchPlan; partitionCount: number } {
  const { tuned, rates } = measurements;
  const { partitionCount, ...settings } = chooseSettings(request, entry, tuned);
  const recall = tuned && { recall: tuned.recall };
  const [only, ...others] = possibleStrategies(request, entry).strategies;
  if (others.length === 0) return { plan: { strategy: only!, ...settings, ...recall }, partitionCount };
  if (!rates) throw new Error('a choice between strategies needs rates');
  const estimates = estimateStrategies(request, entry, queryCount, { tuned, rates });
  const strategy = preferredStrategy(estimates);
  const work = { queryCount: Math.min(sampleSize(request.k), queryCount), k: request.k, nprobes: settings.nprobes };
  const truthSeconds = estimateCosts(entry, work, rates).find((estimate) => estimate.strategy === 'exact')!.seconds;
  const plan = { strategy, ...settings, ...(strategy === 'exact' ? {} : recall), estimates, truthSeconds };
  return { plan, partitionCount };
}
