/** A range of queries, ordered by id. */
export interface QueryRange {
  /** Position of the first. */
  first: number;
  /** Position after the last. */
  end: number;
}
