import { IDENTITY_BANDS } from './families.ts';

/** A protein's row in the table of families: the ground truth of the demo. */
export interface Membership {
  family: string;
  /** Share of the aligned sites that are identical to the family's founder. */
  identity: number;
  fragment: boolean;
}

/** The shares of neighbours of the query's own family, for the queries of an identity band. */
export interface BandScore {
  low: number;
  high: number;
  queries: number;
  /** Share of all first neighbours that are family members. */
  first: number;
  /** Share of all neighbours that are family members. */
  all: number;
}

/** Reads the table that `writeProteins` wrote. */
export function parseMemberships(csv: string): Map<string, Membership> {
  const rows = csv.trimEnd().split('\n').slice(1);
  return new Map(
    rows.map((row) => {
      const [id = '', family = '', identity, fragment] = row.split(',');
      return [id, { family, identity: Number(identity), fragment: fragment === 'true' }];
    }),
  );
}

/**
 * Counts family members among neighbours, by the query's identity to the family's founder.
 * @param neighbours of each query, the nearest first
 * @param k requested neighbours; missing ones count as not of the family
 */
export function scoreBands(
  neighbours: ReadonlyMap<string, readonly string[]>,
  memberships: ReadonlyMap<string, Membership>,
  k: number,
): BandScore[] {
  return IDENTITY_BANDS.map(([low, high], band) => {
    const last = band === IDENTITY_BANDS.length - 1;
    const queries = [...neighbours].filter(([id]) => {
      const { identity } = memberships.get(id)!;
      return identity >= low && (last ? identity <= high : identity < high);
    });
    const isMember = (query: string, target: string) =>
      memberships.get(target)?.family === memberships.get(query)!.family;
    const count = (depth: number) =>
      queries.reduce(
        (sum, [query, targets]) => sum + targets.slice(0, depth).filter((target) => isMember(query, target)).length,
        0,
      ) /
      (queries.length * depth);
    return { low, high, queries: queries.length, first: count(1), all: count(k) };
  });
}
