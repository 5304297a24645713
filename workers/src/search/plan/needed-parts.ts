import type { CatalogEntry } from '../../database/catalog/catalog-entry.ts';
import type { NeededParts } from '../../database/node-tables.ts';
import { DEFAULT_REFINE_FACTOR, possibleWays, type SearchRequest } from './choose.ts';

/**
 * What a search may read of a bucket, known before any of it is there.
 * @param request k: rows to find; truth: whether true neighbours are asked for as well
 */
export function neededParts(
  request: SearchRequest & { truth: boolean },
  entry: Pick<CatalogEntry, 'rows' | 'index' | 'partitions'>,
): NeededParts {
  const { ways } = possibleWays(request, entry);
  const refines = (request.refineFactor ?? DEFAULT_REFINE_FACTOR) > 0;
  // Recall is measured against an exact search.
  const measures = request.truth || (request.targetRecall !== undefined && request.nprobes === undefined);
  const index = ways.includes('ann');
  return {
    vectors: ways.some((way) => way !== 'ann') || refines || measures,
    index,
    partitions: ways.includes('scan'),
  };
}
