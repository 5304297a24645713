import type { QueryRange } from '../hits/query-range.ts';
import type { StrategyRequest } from './plan/strategies.ts';

/** Which of the nearest rows are hits. */
export interface HitFilter {
  k: number;
  /** Drops the hit that has the query's own id. */
  excludeSelf: boolean;
  maxDistance: number;
}

/** Returns the rows to find for a query, so that k remain without its own. */
export function searchK({ k, excludeSelf }: HitFilter): number {
  return excludeSelf ? k + 1 : k;
}

/** What to search for, and with what. */
export interface SearchRequest extends StrategyRequest, HitFilter {
  memoryBytes: number;
  /** Queries of a block, if fewer than the memory allows. */
  blockQueries: number | undefined;
  /** Which of the queries; default: all. */
  range: QueryRange | undefined;
  /** Folder for finished blocks. */
  checkpoints: string;
}
