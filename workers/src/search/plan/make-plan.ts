import type { CommandContext } from '../../app/command.ts';
import type { OpenBucket } from '../../bucket/open-bucket.ts';
import { formatEstimate } from '../../vectors/recall.ts';
import type { QueryFiles } from '../queries/queries.ts';
import { SEARCH_MESSAGES } from '../search-messages.ts';
import { choosePlan, type SearchPlan } from './choose-plan.ts';
import { formatCosts } from './cost.ts';
import { measureSearch } from './measure.ts';
import { possibleStrategies, type StrategyRequest } from './strategies.ts';

export { SEARCH_PLAN, type SearchPlan } from './choose-plan.ts';

/** Plans the search of a bucket: measures what the choice depends on, then chooses. @param request k: rows to find */
export async function planSearch(
  bucket: OpenBucket,
  queries: QueryFiles,
  request: StrategyRequest,
  { log, progress }: CommandContext,
): Promise<SearchPlan> {
  const { entry } = bucket;
  for (const note of possibleStrategies(request, entry).notes) log(`${entry.bucket}: ${note}.`);
  const measurements = await measureSearch(bucket, queries, request, progress);
  const { plan, partitionCount } = choosePlan(request, entry, queries.count, measurements);
  const { nprobes, estimates } = plan;
  if (measurements.tuned) {
    const recall = formatEstimate(measurements.tuned.recall);
    log(SEARCH_MESSAGES.tunedProbes(entry.bucket, nprobes, partitionCount, recall));
  }
  if (estimates)
    log(
      SEARCH_MESSAGES.estimates(
        entry.bucket,
        queries.count,
        nprobes,
        partitionCount,
        formatCosts(estimates, plan.strategy),
      ),
    );
  return plan;
}
