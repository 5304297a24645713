/** How a query found the members of its families. */
export interface QueryFigures {
  /** Share of the labelled targets among its k nearest that are members; 0 where none has a label. */
  precision: number;
  /** Share of the other members that are among its k nearest. */
  recall: number;
  /** Share of the other members that come before the first labelled target that is no member. */
  sensitivity: number;
  /** Whether its k nearest end before such a target, and before all members are found: with a larger k, it might find more. */
  isCut: boolean;
}

/**
 * Judges ranked targets by labels. Members of a query's families are the other ids that share a label with it. A target with other labels
 * alone is false; targets without a label are ignored, because nothing is known of them.
 */
export class FamilyJudge {
  /** Members of each label. */
  readonly members = new Map<string, string[]>();
  readonly #labelsOf: ReadonlyMap<string, readonly string[]>;

  /** @param labelsOf labels of each id that the database has */
  constructor(labelsOf: ReadonlyMap<string, readonly string[]>) {
    this.#labelsOf = labelsOf;
    for (const [id, labels] of labelsOf)
      for (const label of labels) {
        const known = this.members.get(label);
        if (known) known.push(id);
        else this.members.set(label, [id]);
      }
  }

  /** Returns the labels of an id that other ids have too; empty for one that has no other member to find. */
  familiesOf(id: string): string[] {
    return (this.#labelsOf.get(id) ?? []).filter((label) => this.members.get(label)!.length > 1);
  }

  /** Returns the ids that have another member to find, in the order of the labels. */
  queries(): string[] {
    return [...this.#labelsOf.keys()].filter((id) => this.familiesOf(id).length > 0);
  }

  /**
   * Judges the targets of a query, nearest first. Its own id, and repetitions of an id, as of one in two buckets, are skipped.
   * @param query one of `queries`
   */
  judge(query: string, targets: Iterable<string>): QueryFigures {
    const families = this.familiesOf(query);
    const own = new Set(families);
    const wanted = this.#memberCount(families);
    const seen = new Set([query]);
    let [found, before, wrong] = [0, 0, 0];
    for (const target of targets) {
      const labels = this.#labelsOf.get(target);
      if (labels === undefined || seen.has(target)) continue;
      seen.add(target);
      if (!labels.some((label) => own.has(label))) wrong++;
      else {
        found++;
        if (wrong === 0) before++;
      }
    }
    return {
      precision: found + wrong === 0 ? 0 : found / (found + wrong),
      recall: found / wanted,
      sensitivity: before / wanted,
      isCut: wrong === 0 && found < wanted,
    };
  }

  /** Counts the other members of several labels, each id once. */
  #memberCount(families: readonly string[]): number {
    if (families.length === 1) return this.members.get(families[0]!)!.length - 1;
    return new Set(families.flatMap((label) => this.members.get(label)!)).size - 1;
  }
}
