import type { KeptHits } from '../output/keep-hits.ts';

/** What reading a bucket took. */
export interface ReadCost {
  /** Requests to S3, and the bytes of their answers. */
  requests: number;
  bytes: number;
  /** Whether LanceDB made some of the requests itself, which are estimated. */
  isEstimated: boolean;
  /** Wall time of each phase. */
  milliseconds: Partial<Record<AskPhase, number>>;
}

/**
 * `open`: catalog entry, table and index, where they are not warm yet; `search`: the rest. Of own
 * reads: `centroids` opens the copy of the index, `codes` and `rescoring` read for queries, added up over those searched at once.
 */
export type AskPhase = 'open' | 'centroids' | 'search' | 'codes' | 'rescoring';

/** The answer of one bucket. */
export interface BucketAnswer {
  bucket: string;
  /** Of the catalog entry of the table that answered. */
  fingerprint: string;
  /** Searched rows: those of the bucket that the filter selects. */
  rows: number;
  /** How it was searched: by `ann`, or by `exact` where the bucket has no index or no more than k rows. */
  strategy: string;
  nprobes: number;
  refineFactor: number;
  hits: KeptHits;
  cost: ReadCost;
}
