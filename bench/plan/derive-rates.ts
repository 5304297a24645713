/** Derives the rates that `plan` has checked in from the results of the benchmarks. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stepCpuSeconds } from '../../workers/src/forecast/model/bucket-estimate.ts';
import type { SearchRates } from '../../workers/src/forecast/model/search-rates.ts';
import type { LinearRate, RunRates } from '../../workers/src/forecast/rates/run-rates.ts';
import { BENCH_MODELS, modelFlops } from '../embed-shapes.ts';
import { readInputs, type ScaleInputs } from '../scale/inputs.ts';
import { buildRatesOf } from '../scale/large-bucket.ts';
import { ROOT } from '../support/run.ts';
import type { MeasuredStage } from './measure-stages.ts';

/** bench/results/plan-stages.json */
export interface PlanStages {
  machine: string;
  date: string;
  cores: number;
  stages: MeasuredStage[];
  head: RunRates['head'];
  search: SearchRates;
}

interface EmbedResult {
  model: { hiddenSize: number };
  sequences: number;
  tokens: number;
  threads: number;
  runs: { lanceflow: { tokensPerSecond: number } };
  shareOfGemmRate: number;
}

const RATES = join(ROOT, 'workers/src/forecast/rates/rates.json');

/** Writes rates.json from bench/results/. */
export async function writeRates(): Promise<void> {
  await writeFile(RATES, `${JSON.stringify(await derivedRates(), null, 2)}\n`);
}

export async function derivedRates(): Promise<RunRates> {
  const read = async (name: string) => JSON.parse(await readFile(join(ROOT, `bench/results/${name}.json`), 'utf8'));
  const [stages, embed] = await Promise.all([read('plan-stages'), read('embed')]);
  return ratesOf(await readInputs(), stages, embed);
}

function ratesOf(
  inputs: ScaleInputs,
  { stages, head, search, machine, date, cores }: PlanStages,
  embed: EmbedResult,
): RunRates {
  const of = (command: string) => stages.filter((stage) => stage.command === command);
  const meanTokens = embed.tokens / embed.sequences;
  const flops = modelFlops(BENCH_MODELS.amplify!, BENCH_MODELS.amplify!.layers, meanTokens) / meanTokens;
  const [small, large] = of('embed-sequences') as [MeasuredStage, MeasuredStage];
  const perEmbedded = slope(small, large, 'rows');
  const [fewShards, manyShards, oneShard] = of('describe-shard') as [MeasuredStage, MeasuredStage, MeasuredStage];
  const ofShard = Math.max(0, manyShards.cpuSeconds - oneShard.cpuSeconds) / (manyShards.work.shards! - 1);
  const start = Math.max(0.05, fewShards.cpuSeconds - ofShard * fewShards.work.shards! - 0.01);
  const [ingested, manyIngested] = of('ingest-bucket') as [MeasuredStage, MeasuredStage];
  const [packed, packedMore, packedMany] = of('pack-buckets') as [MeasuredStage, MeasuredStage, MeasuredStage];
  const [hits, moreHits] = of('merge-hits') as [MeasuredStage, MeasuredStage];
  const [report, largeReport] = of('render-report') as [MeasuredStage, MeasuredStage];
  const residues = large.work.residues! / large.work.rows!;
  const build = buildRatesOf(inputs);
  const startOf = (command: string, step: string) => {
    const { cpuSeconds, work } = of(command)[0]!;
    return Math.max(0.1, cpuSeconds - stepCpuSeconds(build, step, work.rows!, build.dimension));
  };
  const rate = (fixed: number, per: Record<string, number>, measured: MeasuredStage, more = {}): LinearRate => ({
    ...{ fixed, per, busyCores: measured.cpuSeconds / measured.seconds },
    ...more,
  });
  return {
    from: `${machine}, ${date}`,
    build,
    commands: {
      'split-sequences': { fixed: 0.2, per: { fileBytes: 6e-9 }, busyCores: 1 },
      'embed-sequences': rate(
        Math.max(0.1, small.cpuSeconds - perEmbedded * small.work.rows!),
        { rows: perEmbedded * 0.2, residues: (perEmbedded * 0.8) / residues },
        large,
      ),
      'embed-sequences model': { fixed: 2, per: { rows: 2e-4 }, busyCores: cores },
      'describe-shard': rate(
        start,
        {
          shards: ofShard,
          vectorBytes: Math.max(0, oneShard.cpuSeconds - start - ofShard) / oneShard.work.vectorBytes!,
        },
        oneShard,
      ),
      'pack-buckets': rate(
        0.04,
        {
          rows: slope(packed, packedMore, 'rows'),
          shards: Math.max(0, packedMany.cpuSeconds - packedMore.cpuSeconds) / (packedMany.work.shards! - 1),
        },
        packedMany,
      ),
      'ingest-bucket': {
        fixed: startOf('ingest-bucket', 'ingest'),
        per: { shards: Math.max(0, manyIngested.cpuSeconds - ingested.cpuSeconds) / (manyIngested.work.shards! - 1) },
        busyCores: 1,
      },
      'index-bucket': { fixed: startOf('index-bucket', 'index-rq'), per: {}, busyCores: 1 },
      'search-bucket': { fixed: 0.1, per: { queries: 0 }, busyCores: 1 },
      'merge-hits': rate(
        Math.max(0.1, hits.cpuSeconds - slope(hits, moreHits, 'hits') * hits.work.hits!),
        { hits: slope(hits, moreHits, 'hits') },
        moreHits,
      ),
      'render-report': rate(
        Math.max(0.1, report.cpuSeconds - slope(report, largeReport, 'rows') * report.work.rows!),
        { rows: slope(report, largeReport, 'rows') },
        largeReport,
      ),
    },
    modelFlopsPerCoreSecond: (embed.runs.lanceflow.tokensPerSecond * flops) / embed.threads,
    modelShareOfProducts: embed.shareOfGemmRate,
    search: { ...search, cores },
    bytes: bytesOf(of, residues),
    head,
    recall: recallOf(inputs),
  };
}

function bytesOf(of: (command: string) => MeasuredStage[], residues: number): RunRates['bytes'] {
  const [small, large] = of('embed-sequences') as [MeasuredStage, MeasuredStage];
  const perRow = (large.bytes - small.bytes) / (large.work.rows! - small.work.rows!);
  const table = of('ingest-bucket')[0]!;
  const id = 6;
  const shardText = perRow - 3840;
  const tableText = table.bytes / table.work.rows! - 3840;
  const search = of('search-bucket exact').at(-1)!;
  const merged = of('merge-hits').at(-1)!;
  return {
    hit: search.bytes / search.work.hits!,
    // Metadata of the settings, and of the columns.
    hitFile: 1800,
    neighbourFile: 4000,
    shardFile: small.bytes - perRow * small.work.rows!,
    neighbour: merged.bytes / merged.work.rows! - 2 * id,
    shardRow: shardText - residues - id,
    tableRow: tableText - 0.53 * residues - id,
    sequenceByteInShard: 1,
    sequenceByteInTable: 0.53,
  };
}

/** CPU-seconds of one more row, residue, ... */
function slope(less: MeasuredStage, more: MeasuredStage, term: string): number {
  return Math.max(0, more.cpuSeconds - less.cpuSeconds) / (more.work[term]! - less.work[term]!);
}

/** The shares of partitions that `scan` probed, and the recall that it reached, by k. */
function recallOf({ search }: ScaleInputs): RunRates['recall'] {
  const partitions = Math.floor(Math.sqrt(search.rows));
  const lines = search.lines.filter(({ system, nprobes }) => system === 'LanceFlow scan' && nprobes > 0);
  return [...Map.groupBy(lines, ({ k }) => k)].map(([k, own]) => {
    const byShare = new Map(own.map(({ nprobes, recall }) => [nprobes / partitions, recall]));
    const points = [...byShare].map(([share, recall]) => ({ share, recall })).sort((a, b) => a.share - b.share);
    return { k, points };
  });
}
