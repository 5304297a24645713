/** A range of queries, in the order of their ids. */
export interface QueryRange {
  /** Position of the first. */
  first: number;
  /** Position after the last. */
  end: number;
}
