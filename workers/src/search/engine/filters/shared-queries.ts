import type { CodedQueries, QueryVectors } from './query-codes.ts';

/** What the threads of a search share; all arrays lie in `memory`. */
export interface SharedSearch extends QueryVectors {
  memory: WebAssembly.Memory;
  module: WebAssembly.Module;
  /** Rows to find for a query. */
  k: number;
  /** Squared lengths of the queries. */
  squares: Float64Array;
  /** Distance of the k-th nearest row so far. */
  limits: Float32Array;
  /** What all rows have in common, roughly: [D]; not there where each block has a centre of its own. */
  mean: Float32Array | undefined;
  /** All queries, less that; not there where they are few. */
  coded: CodedQueries | undefined;
}
