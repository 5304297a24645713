import type { CatalogEntry } from '../../database/catalog/catalog-entry.ts';
import type { NeededParts } from '../../database/node-tables.ts';
import {
  DEFAULT_REFINE_FACTOR,
  defaultNprobes,
  mayLackRows,
  possibleStrategies,
  type StrategyRequest,
} from './strategies.ts';

/**
 * Returns the parts of a table that a search may read, before any of it is fetched.
 * @param request k: rows to find; groundTruth: whether the ground truth is requested too
 */
export function neededParts(
  request: StrategyRequest & { groundTruth: boolean },
  entry: Pick<CatalogEntry, 'rows' | 'index' | 'partitions'>,
): NeededParts {
  const { strategies } = possibleStrategies(request, entry);
  const refines = (request.refineFactor ?? DEFAULT_REFINE_FACTOR) > 0;
  // Recall is measured against an exact search.
  const measuresRecall = request.groundTruth || (request.targetRecall !== undefined && request.nprobes === undefined);
  return {
    vectors: strategies.some((strategy) => strategy !== 'ann') || refines || measuresRecall,
    // LanceDB evaluates a filter itself.
    columns: request.where !== undefined && strategies.includes('ann'),
    index: strategies.includes('ann'),
    partitions: strategies.includes('scan') || (strategies.includes('ann') && ranksPartitions(request, entry)),
  };
}

/** Whether `ann` ranks the partitions of the order, to probe enough of them. */
function ranksPartitions(
  { k, nprobes }: StrategyRequest,
  { rows, index }: Pick<CatalogEntry, 'rows' | 'index'>,
): boolean {
  const { partitions, centroids } = index;
  return centroids === 'order' && mayLackRows(k, nprobes ?? defaultNprobes(partitions), { rows, partitions });
}
