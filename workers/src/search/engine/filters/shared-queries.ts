import type { CodedQueries, QueryVectors } from './query-codes.ts';

/** Data that the threads of a search share; all arrays lie in `memory`. */
export interface SharedSearch extends QueryVectors {
  memory: WebAssembly.Memory;
  module: WebAssembly.Module;
  /** Rows to find for a query. */
  k: number;
  /** Squared lengths of the queries. */
  squares: Float64Array;
  /** Distance of the k-th nearest row so far. */
  limits: Float32Array;
  /** Approximate mean of all rows: [D]; undefined if each block has its own centre. */
  mean: Float32Array | undefined;
  /** Codes of all queries minus the mean; undefined where queries are few. */
  coded: CodedQueries | undefined;
}
