import { I4I } from '../../workers/src/forecast/machines/price-table.ts';
import {
  type Campaign,
  estimateCampaign,
  type QueryCost,
  queryCost,
  type Reading,
} from '../../workers/src/forecast/model/campaign-cost.ts';
import { type Division, divisionOf, EVEN } from '../../workers/src/forecast/model/speed-up.ts';
import { unitTerms } from '../../workers/src/forecast/model/unit-terms.ts';
import { queriesInMemory } from '../../workers/src/search/engine/memory.ts';
import { queriesPerBlock } from '../../workers/src/search/plan/query-ranges.ts';
import { digits, markdownTable } from '../support/markdown.ts';
import type { ScaleInputs } from './inputs.ts';
import { ALL_ROWS, BUCKET_ROWS, vectorBytes } from './large-bucket.ts';

const QUERIES = 1e6;
const RECALL = 0.95;
/** What SEARCH_BUCKET has (conf/base.config): half of its memory, and its threads. */
const TASK = { memoryBytes: 32e9, threads: 16 };
/** Candidates for each neighbour whose vectors are read: refine factor. Each takes at least a page of the disk. */
const REFINE = 10;
const PAGE_BYTES = 4096;
const LANCEDB = ['LanceDB one by one', 'LanceDB in flight', 'LanceDB multi-vector'];

interface Strategy {
  name: string;
  systems: readonly string[];
  /** Where these were not measured with a k. */
  otherwise?: readonly string[];
  reading(k: number, probedShare: number): Reading;
  /** The stage whose threads divide the work; without one, all cores are assumed to share it evenly. */
  stage?: (k: number) => string;
  /** Whether each query pays for the number of fragments. */
  paysForFragments?: boolean;
}

/** Returns machine-hours, bytes and dollars of a campaign, by strategy. */
export function campaignTable(inputs: ScaleInputs): string {
  const { search, scale, threads } = inputs;
  const cores = Number(/(\d+) cores/.exec(search.machine)?.[1] ?? scale.cores);
  const tableBytes = scale.bytesPerVector['ivf-rq']!;
  const vector = vectorBytes('ivf-rq', search.dimension);
  const index = (k: number): Reading => ({
    ...{ fetchedBytesPerRow: tableBytes, scannedBytesPerRow: tableBytes - vector, blockQueries: QUERIES },
    bytesPerQuery: k * REFINE * Math.ceil(vector / PAGE_BYTES) * PAGE_BYTES,
  });
  const whole =
    (strategy: 'scan' | 'exact') =>
    (k: number, probedShare: number): Reading => {
      const fitting = queriesInMemory(TASK.memoryBytes, search.dimension, k, TASK.threads);
      const blockQueries = queriesPerBlock(strategy, probedShare, fitting);
      return { fetchedBytesPerRow: vector, scannedBytesPerRow: vector, blockQueries, bytesPerQuery: 0 };
    };
  const start = threads.stages.find(({ stage }) => stage === 'start (catalog)')!;
  const searched = threads.stages.filter(({ stage }) => /^(scan|exact)/.test(stage)).at(-1)!;
  const queries = /[\d,]+ queries/.exec(searched.stage)?.[0];
  const stageOf = (strategy: string) => (k: number) => `${strategy}, ${queries}, k = ${k}`;
  const strategies: Strategy[] = [
    {
      name: '`ann`',
      systems: ['LanceFlow ann'],
      otherwise: ['LanceDB in flight'],
      reading: index,
      paysForFragments: true,
    },
    { name: '`scan`', systems: ['LanceFlow scan'], reading: whole('scan'), stage: stageOf('scan') },
    { name: '`exact`', systems: ['LanceFlow exact'], reading: whole('exact'), stage: stageOf('exact') },
    { name: "LanceDB's own loop", systems: LANCEDB, reading: index, paysForFragments: true },
  ];
  const fragments = unitTerms(scale.units).find(({ stage }) => stage === 'search, ann')!.fragments.cpuSeconds;
  const rows = [10, 100].flatMap((k) =>
    strategies.map(({ name, systems, otherwise, reading, stage, paysForFragments }) => {
      const campaign: Campaign = { queries: QUERIES, k, recall: RECALL, rows: ALL_ROWS, bucketRows: BUCKET_ROWS };
      const bucket = { rows: search.rows, cores, lines: search.lines };
      const measured = queryCost(bucket, systems, campaign) ?? queryCost(bucket, otherwise ?? [], campaign)!;
      const more = paysForFragments ? fragments / scale.units.queries : 0;
      const cost: QueryCost = { ...measured, fixed: measured.fixed + more };
      const threadsOf = stage && threads.stages.find((one) => one.stage === stage(k));
      const division: Division = threadsOf ? divisionOf(threadsOf, start) : EVEN;
      const read = reading(k, cost.probedShare);
      const estimate = estimateCampaign(campaign, cost, read, division, I4I);
      const { computingHours, diskHours, fetchHours, machineHours, fetchedBytes, dollars } = estimate;
      return [
        ...[`${k}`, name, cost.probedShare === 1 ? 'all' : `${digits(cost.probedShare * 100)}%`],
        `${Math.ceil(QUERIES / read.blockQueries)}`,
        ...[computingHours, diskHours, fetchHours, machineHours].map(digits),
        ...[`${digits(fetchedBytes / 1e12)} TB`, `$${digits(dollars)}`],
      ];
    }),
  );
  return markdownTable([
    ['k', 'strategy', 'probed', 'reads', 'cores, h', 'disks, h', 'fetching, h', 'machine-hours', 'fetched', 'cost'],
    ...rows,
  ]);
}
