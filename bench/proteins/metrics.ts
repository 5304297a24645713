import type { BestHomologs } from './labels.ts';
import type { Hit, Rankings } from './rankings.ts';

/** A hit counts as significant up to this E-value. */
export const SIGNIFICANT = 0.01;

/** Returns the share of the queries with a homolog whose best homolog is among the first `count` hits. */
export function bestAmongFirst(rankings: Rankings, labels: BestHomologs, count: number): number {
  const queries = [...labels].filter(([, label]) => label !== undefined);
  return shareOf(queries, ([query, label]) =>
    hitsOf(rankings, query)
      .slice(0, count)
      .some(({ target }) => label!.targets.includes(target)),
  );
}

/** Limits of the bins. The last bin includes its upper limit. */
export const IDENTITY_LIMITS: readonly number[] = [0, 0.3, 0.5, 0.7, 0.9, 1];
export const COVERAGE_LIMITS: readonly number[] = [0, 0.5, 0.8, 1];

/** Queries whose best homolog has an identity and a coverage in these ranges, and the share of them with that homolog first. */
export interface Bin {
  identity: readonly [from: number, to: number];
  coverage: readonly [from: number, to: number];
  queries: number;
  first: number;
}

/** Returns the bins that have queries. */
export function shareByBin(rankings: Rankings, labels: BestHomologs): Bin[] {
  const all = rangesOf(IDENTITY_LIMITS).flatMap((identity) =>
    rangesOf(COVERAGE_LIMITS).map((coverage) => ({ identity, coverage })),
  );
  return all.flatMap(({ identity, coverage }) => {
    const within = new Map(
      [...labels].filter(([, best]) => best && isWithin(best.identity, identity) && isWithin(best.coverage, coverage)),
    );
    return within.size === 0
      ? []
      : [{ identity, coverage, queries: within.size, first: bestAmongFirst(rankings, within, 1) }];
  });
}

const rangesOf = (limits: readonly number[]) => limits.slice(1).map((to, i) => [limits[i]!, to] as const);

function isWithin(value: number, [from, to]: readonly [number, number]): boolean {
  return from <= value && (value < to || to === 1);
}

/**
 * Returns the sensitivity up to the first false positive of each query: the share of the other members of its family that are ranked
 * before the first target that is no member. Members that are not reported are not found.
 * @param families the family of each query, and of each target that has one
 */
export function sensitivities(rankings: Rankings, families: Labels): Map<string, number> {
  const sizes = new Map<string, number>();
  for (const family of families.values()) sizes.set(family, (sizes.get(family) ?? 0) + 1);
  return new Map(
    [...families].map(([query, family]) => {
      const hits = hitsOf(rankings, query);
      const end = hits.findIndex(({ target }) => families.get(target) !== family);
      return [query, (end < 0 ? hits.length : end) / (sizes.get(family)! - 1)];
    }),
  );
}

/** Names by id, such as the family or the EC number of a protein. */
export type Labels = Map<string, string>;

export interface LabelPair {
  queries: Labels;
  targets: Labels;
}

/** Selects the queries whose label a target has too. */
export function answerable({ queries, targets }: LabelPair): string[] {
  const known = new Set(targets.values());
  return [...queries].filter(([, label]) => known.has(label)).map(([query]) => query);
}

/** Returns the share of the answerable queries whose first hit with a label has theirs. */
export function sameLabel(rankings: Rankings, labels: LabelPair): number {
  return shareOf(answerable(labels), (query) => {
    const first = hitsOf(rankings, query).find(({ target }) => labels.targets.has(target));
    return first !== undefined && labels.targets.get(first.target) === labels.queries.get(query);
  });
}

/** Returns the share of queries with a significant hit; undefined where the system reports no E-values. */
export function significantShare(rankings: Rankings, queries: readonly string[]): number | undefined {
  const hasNone =
    rankings.size > 0 && ![...rankings.values()].some((hits) => hits.some(({ evalue }) => evalue !== undefined));
  if (hasNone) return undefined;
  return shareOf(queries, (query) => hitsOf(rankings, query).some(({ evalue }) => evalue! <= SIGNIFICANT));
}

export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

const hitsOf = (rankings: Rankings, query: string): Hit[] => rankings.get(query) ?? [];

function shareOf<T>(items: readonly T[], holds: (item: T) => boolean): number {
  return items.filter(holds).length / items.length;
}
