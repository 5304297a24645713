import { LANCEFLOW_VERSION } from '../app/version.ts';
import { looksLikeS3 } from '../base/s3-location.ts';
import { readText } from '../base/text/read-text.ts';
import { Database } from '../database/database.ts';
import { type Outcome, parseOutcome } from '../run/outcome.ts';
import { compareBucketSizes } from './bucket-size.ts';
import {
  diskNote,
  goalNeedsPrice,
  modelNeeded,
  nothingToBuild,
  nothingToPlan,
  nothingToSearch,
  otherOutcomeVersion,
  pendingNote,
  sampledNote,
} from './forecast-messages.ts';
import { forecastRun } from './forecast-run.ts';
import { parseGoal } from './goal.ts';
import type { ListS3 } from './inputs/list-inputs.ts';
import { type KnownBuckets, readBuckets } from './inputs/read-buckets.ts';
import { buildOf, checkCounts, type PlanArguments, resolveInputs, resolveQueries } from './inputs/resolve-inputs.ts';
import { clusterOf, isBatch, pricedMachines } from './machines/cluster.ts';
import { LOCAL, PRICES, type PriceTable, parsePrices } from './machines/price-table.ts';
import type { SearchRates } from './model/search-rates.ts';
import { learnFactors } from './rates/learned-rates.ts';
import { MEASURED, type RunRates, searchRatesFor, shareForRecall } from './rates/run-rates.ts';
import type { RunPlan } from './run-plan.ts';
import type { BucketGroup, Cluster, ForecastModel, RunRequest, SearchForecast } from './run-request.ts';

/** What the stages contribute, which a forecast may not import. */
export interface PlanParts {
  /** Reads the size of a model's folder. */
  readModel(folder: string): Promise<ForecastModel>;
  /** Measures how quickly this machine compares vectors: half a second, unless it did within a week. */
  calibrate(dimension: number): Promise<SearchRates>;
  /** Forecasts the search of a bucket by the cost model of `auto`. */
  forecastSearch: (bucket: BucketGroup, queries: number, options: SearchSettings) => SearchForecast;
  listS3: ListS3;
  /** Asks AWS for prices. */
  askPrices(machine: string, prices: PriceTable): Promise<PriceTable>;
}

/** What the cost model needs of the machine and the run. */
export interface SearchSettings {
  cores: number;
  rates: SearchRates;
  readBytesPerSecond: number;
  isRemote: boolean;
  isDivided: boolean;
  /** Where a recall is requested; undefined: the default. */
  probedShare: number | undefined;
}

/** Dimension of `kmer`. */
const KMER: ForecastModel = { name: 'kmer', dimension: 960 };

/**
 * Plans a run: counts its inputs, reads the catalog of its database, and forecasts what each stage takes. It reads no vector.
 * @throws UsageError and DataError for inputs, counts, machines and prices that do not fit
 */
export async function planRun(args: PlanArguments, parts: PlanParts): Promise<RunPlan> {
  checkCounts(args);
  const goal = args.goal === undefined ? undefined : parseGoal(args.goal);
  const database = args.database === undefined ? undefined : await Database.open(args.database);
  const known = database && (await readBuckets(database));
  // With awsbatch, a database that is not named is on S3 too.
  const isRemote = args.database === undefined ? isBatch(args.profile) : looksLikeS3(args.database);
  const searched = known?.groups[0]?.dimension;
  const { listS3 } = parts;
  const inputs = await resolveInputs(args, { dimension: searched, listS3 });
  const queries = await resolveQueries(args, { dimension: searched ?? inputs?.vectors?.dimension, listS3 });
  if (!inputs && !queries) throw nothingToPlan();
  if (!inputs && goal) throw nothingToBuild();
  if (!inputs && (!known || known.groups.length === 0)) throw nothingToSearch(args.database);
  const model = await modelOf(args, known, parts);
  if (queries?.fasta && !model) throw modelNeeded();
  const build = inputs && buildOf(args, inputs, model);
  const cluster = await clusterOf(
    { ...args, folder: isRemote ? '.' : (args.database ?? '.') },
    await pricesOf(args, parts),
  );
  if (goal && goal.kind !== 'fastest' && cluster.machine.dollarsPerHour === undefined) throw goalNeedsPrice(args.goal!);
  const dimension = build?.dimension ?? known!.groups[0]!.dimension;
  const share =
    args.targetRecall !== undefined && args.nprobes === undefined
      ? shareForRecall(MEASURED, args.k, args.targetRecall)
      : undefined;
  const settings = { isRemote, probedShare: share };
  const hasModel = model?.flopsOf !== undefined;
  const { rates, calibrated, forecastSearch } = await searchOf(parts, dimension, cluster, settings, hasModel);
  const request: RunRequest = {
    ...(build && { build }),
    ...(model && { model }),
    ...(queries && { queries }),
    ...{ existing: known?.groups ?? [], isRemote, cluster },
    ...(calibrated && { calibrated }),
    forecastSearch,
  };
  const outcomes = await Promise.all(args.outcome.map(async (path) => ({ path, outcome: await readOutcome(path) })));
  const factors = learnFactors(request, rates, outcomes, known?.entries ?? []);
  const plan = forecastRun(request, rates, factors);
  const notes = [
    ...(inputs?.notes ?? []),
    ...(queries?.notes ?? []),
    ...(known?.isSampled ? [sampledNote(known.entries.length, known.buckets)] : []),
    ...(await pendingNotes(database)),
    ...(cluster.machine.name === LOCAL
      ? ['this machine has no price, and its disk is assumed to read and write 1 GB/s']
      : []),
    ...(!isRemote && plan.total.bytesStored > cluster.machine.diskGB * 1e9
      ? [diskNote(plan.total.bytesStored, cluster.machine)]
      : []),
    ...(share === undefined
      ? []
      : [
          `probes for the recall are those that reached it in the checked-in benchmark: ${(share * 100).toFixed(1)}% of the partitions`,
        ]),
  ];
  return {
    ...plan,
    ...(goal && { bucketSize: compareBucketSizes(request, goal, rates, factors) }),
    ...(notes.length > 0 && { notes }),
  };
}

/** Stages whose arithmetic a calibration measures; the first only with a model. */
const CALIBRATED = ['embed-sequences', 'search-bucket'];

/** Takes the rates of this machine, where tasks run on it, or those of the measured one by the number of cores. */
async function searchOf(
  { calibrate, forecastSearch }: PlanParts,
  dimension: number,
  { machine, copiesInputs }: Cluster,
  settings: Pick<SearchSettings, 'isRemote' | 'probedShare'>,
  hasModel: boolean,
): Promise<{ rates: RunRates } & Pick<RunRequest, 'forecastSearch' | 'calibrated'>> {
  const own = machine.name === LOCAL ? await calibrate(dimension) : undefined;
  const modelFlopsPerCoreSecond = own && (MEASURED.modelShareOfProducts * own.fewFlopsPerSecond) / machine.cpus;
  const readBytesPerSecond = machine.diskBytesPerSecond;
  return {
    rates: { ...MEASURED, ...(modelFlopsPerCoreSecond && { modelFlopsPerCoreSecond }) },
    ...(own && { calibrated: { from: 'this machine', commands: hasModel ? CALIBRATED : CALIBRATED.slice(1) } }),
    forecastSearch: (bucket, queries, cores) => {
      const rates = own ?? searchRatesFor(MEASURED, cores, dimension);
      return forecastSearch(bucket, queries, {
        ...settings,
        cores,
        rates,
        readBytesPerSecond,
        isDivided: copiesInputs,
      });
    },
  };
}

/** Finds the model that embeds: as in the pipeline, that of the database where it needs no weights. */
async function modelOf({ model }: PlanArguments, known: KnownBuckets | undefined, { readModel }: PlanParts) {
  const name = model ?? (known?.entries.some((entry) => entry.model.model === 'kmer') ? 'kmer' : undefined);
  return name === undefined ? undefined : name === 'kmer' ? KMER : readModel(name);
}

async function pricesOf({ prices, priceApi, machine, profile }: PlanArguments, parts: PlanParts): Promise<PriceTable> {
  const table = prices === undefined ? PRICES : parsePrices(await readText(prices), prices);
  if (!priceApi) return table;
  let asked = table;
  for (const name of pricedMachines({ profile, machine }, table)) asked = await parts.askPrices(name, asked);
  return asked;
}

/** Reads the outcome of an earlier run. @throws DataError for one of another version, whose rates may differ */
async function readOutcome(path: string): Promise<Outcome> {
  const outcome = parseOutcome(await readText(path), path);
  if (outcome.version !== LANCEFLOW_VERSION) throw otherOutcomeVersion(path, outcome.version, LANCEFLOW_VERSION);
  return outcome;
}

/** Says which buckets are being built: they are not counted. */
async function pendingNotes(database: Database | undefined): Promise<string[]> {
  const pending = (await database?.pendingNames()) ?? [];
  if (pending.length === 0) return [];
  return [pendingNote(pending.length, pending[0]!)];
}
