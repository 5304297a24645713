/** A range of queries, in the order of their ids, that one task searches. */
export interface QueryPart {
  /** Position of the first. */
  first: number;
  /** Position after the last. */
  end: number;
}
