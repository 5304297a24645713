import { type Estimate, estimateRecall } from '../../vectors/recall.ts';
import type { FamilyJudge, QueryFigures } from './family-judge.ts';

const FIGURES = ['sensitivity', 'precision', 'recall'] as const;
type Figure = (typeof FIGURES)[number];

/** Means of one family over its queries. */
export interface FamilyFigures extends Record<Figure, number> {
  label: string;
  /** Ids of the family in the database. */
  members: number;
  queries: number;
}

/** How all queries found the members of their families. */
export interface LabelFigures extends Record<Figure, Estimate> {
  /** Means over the families, so that a large family counts no more than a small one. */
  ofFamilies: Record<Figure, number>;
  /** Queries whose k nearest ended before the first false target, and before all members were found. */
  cutQueries: number;
  /** By label. */
  families: FamilyFigures[];
}

/** Collects the figures of queries. */
export class FamilySums {
  readonly #judge: FamilyJudge;
  readonly #values: Record<Figure, number[]> = { sensitivity: [], precision: [], recall: [] };
  readonly #sums = new Map<string, Record<Figure, number> & { queries: number }>();
  #cut = 0;

  constructor(judge: FamilyJudge) {
    this.#judge = judge;
  }

  /** Adds a query; it counts in each of its families. */
  add(query: string, figures: QueryFigures): void {
    for (const figure of FIGURES) this.#values[figure].push(figures[figure]);
    if (figures.isCut) this.#cut++;
    for (const label of this.#judge.familiesOf(query)) {
      const sums = this.#sums.get(label) ?? { sensitivity: 0, precision: 0, recall: 0, queries: 0 };
      for (const figure of FIGURES) sums[figure] += figures[figure];
      sums.queries++;
      this.#sums.set(label, sums);
    }
  }

  /** Returns the means, with 95% intervals over the queries. */
  figures(): LabelFigures {
    const families = [...this.#sums]
      .map(([label, { queries, ...sums }]): FamilyFigures => {
        const members = this.#judge.members.get(label)!.length;
        return { label, members, queries, ...mapFigures((figure) => sums[figure] / queries) };
      })
      .sort((a, b) => (a.label < b.label ? -1 : 1));
    const meanOf = (figure: Figure) => families.reduce((sum, family) => sum + family[figure], 0) / families.length;
    return {
      ...mapFigures((figure) => estimateRecall(this.#values[figure])),
      ofFamilies: mapFigures(meanOf),
      cutQueries: this.#cut,
      families,
    };
  }
}

function mapFigures<T>(of: (figure: Figure) => T): Record<Figure, T> {
  return { sensitivity: of('sensitivity'), precision: of('precision'), recall: of('recall') };
}
