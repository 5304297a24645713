/** The article's rule: larger buckets cost less to query, and take longer. Pure. */

import { forecastRun } from './forecast-run.ts';
import { formatGoal, type Goal } from './goal.ts';
import type { CommandFactors } from './rates/learned-rates.ts';
import type { RunRates } from './rates/run-rates.ts';
import type { RunPlan } from './run-plan.ts';
import type { RunRequest } from './run-request.ts';
import { estimateBuild, shapeOf } from './stages/building.ts';
import { USABLE_DISK } from './stages/task-resources.ts';

type BucketChoices = NonNullable<RunPlan['bucketSize']>;

/** Sizes that are compared: the usual ones, and the one that was asked for. */
const SIZES = [1e6, 2e6, 5e6, 10e6, 25e6, 50e6, 100e6, 200e6, 400e6, 800e6];

/**
 * Forecasts the run with several bucket sizes, and chooses one for a goal: the least dollars, or hours, or the least dollars under a limit
 * of hours, or the least hours under a limit of dollars. Sizes that do not fit the machine's disk are never chosen.
 */
export function compareBucketSizes(
  request: RunRequest,
  goal: Goal,
  rates: RunRates,
  factors: CommandFactors,
): BucketChoices {
  const build = request.build!;
  const { rows } = shapeOf(build, rates);
  const sizes = [
    ...new Set([
      ...SIZES.filter((size) => size < rows),
      Math.min(rows, build.bucketSize),
      Math.min(rows, SIZES.at(-1)!),
    ]),
  ];
  const choices = sizes
    .sort((a, b) => a - b)
    .map((size) => {
      const sized = { ...request, build: { ...build, bucketSize: size } };
      const shape = shapeOf(sized.build, rates);
      const plan = forecastRun(sized, rates, factors);
      const problem = diskProblem(sized, rates);
      const search = plan.stages.find(({ command }) => command === 'search-bucket');
      return {
        ...{ rows: size, buckets: shape.buckets },
        ...{ hours: plan.total.hours.estimate, dollars: plan.total.dollars?.estimate ?? 0 },
        ...(search && plan.search && { searchHours: searchHours(plan) }),
        ...(problem !== undefined && { problem }),
      };
    });
  return { goal: formatGoal(goal), chosen: choose(choices, goal), choices };
}

/** Hours of searching one bucket with all queries. */
function searchHours({ search }: RunPlan): number {
  const chosen = search!.estimates.find(({ strategy }) => strategy === search!.strategy)!;
  return chosen.seconds / 3600;
}

function diskProblem(request: RunRequest, rates: RunRates): string | undefined {
  const { machine } = request.cluster;
  const build = request.build!;
  const { disk } = estimateBuild(build, shapeOf(build, rates), request, rates);
  const usable = machine.diskGB * 1e9 * USABLE_DISK;
  if (!request.isRemote || disk <= usable) return undefined;
  return `building takes ${Math.round(disk / 1e9)} GB of disk; ${machine.name} has ${Math.round(usable / 1e9)} GB to use`;
}

function choose(choices: BucketChoices['choices'], goal: Goal): number {
  const possible = choices.filter(({ problem }) => problem === undefined);
  const all = possible.length > 0 ? possible : choices;
  // Of equal cost, the larger one: fewer buckets to search, and each search prunes more.
  const least = (of: 'hours' | 'dollars', among: typeof choices) =>
    among.reduce((best, one) => (one[of] <= best[of] ? one : best));
  if (goal.kind === 'cheapest') return least('dollars', all).rows;
  if (goal.kind === 'fastest') return least('hours', all).rows;
  const within = all.filter((one) => one[goal.kind] <= goal.limit);
  if (within.length === 0) return least(goal.kind, all).rows;
  return least(goal.kind === 'hours' ? 'dollars' : 'hours', within).rows;
}
