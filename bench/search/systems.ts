import { createReadStream } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { LANCEFLOW, measure, ROOT } from '../support/run.ts';
import type { LanceLoop, LanceRequest } from './lancedb.ts';
import { type Peer, type PeerMethod, startPeer } from './peer.ts';

export const BUCKET = 'bucket_00001';
/** Number of queries for LanceDB, which answers a few hundred a second. */
const LANCEDB_QUERIES = 500;

/** One measurement. */
export interface Measured {
  system: string;
  queries: number;
  k: number;
  /** Probed partitions; 0 where all rows are compared. */
  nprobes: number;
  queriesPerSecond: number;
  recall: number;
  peakMemoryBytes: number;
  /** LanceFlow: the whole process, start to end. */
  processQueriesPerSecond?: number;
  /** `auto`: the strategy it chose, its estimate, and its time, planning included. */
  mode?: string;
  expectedSeconds?: number;
  seconds?: number;
}

export interface Setting {
  queries: number;
  k: number;
  nprobes: number;
}

/** The data and the settings of a benchmark. */
export interface Bench {
  folder: string;
  vectors: string;
  database: string;
  queriesPath(count: number): string;
  counts: readonly number[];
  ks: readonly number[];
  nprobes: readonly number[];
  /** Computes the recall of hits. */
  judge: Peer;
}

type Run = (bench: Bench, record: (row: Measured) => void) => Promise<void>;

/** The systems, by their names in --methods. */
export const METHODS: Record<string, Run> = {
  flat: faiss('flat', 'FAISS Flat'),
  ivfflat: faiss('ivfflat', 'FAISS IVFFlat'),
  ivfpq: faiss('ivfpq', 'FAISS IVFPQ + refine'),
  lancedb: async (bench, record) => {
    const queries = Math.min(LANCEDB_QUERIES, ...bench.counts);
    for (const k of bench.ks)
      for (const nprobes of bench.nprobes)
        for (const loop of ['one by one', 'in flight', 'multi-vector'] as const)
          record(await lancedb(bench, loop, { queries, k, nprobes }));
  },
  exact: lanceflow('exact'),
  scan: lanceflow('scan'),
  ann: lanceflow('ann'),
  auto: lanceflow('auto'),
};

/** Returns every combination of query count and k, and of nprobes where it matters. */
function settings({ counts, ks, nprobes }: Bench, isExact: boolean): Setting[] {
  const probed = isExact ? [0] : nprobes;
  return counts.flatMap((queries) => ks.flatMap((k) => probed.map((n) => ({ queries, k, nprobes: n }))));
}

/** Selects the ground truth of all queries at the largest k: its first rows and columns are that of fewer queries and smaller k. */
export function groundTruthOf({ counts, ks }: Pick<Bench, 'counts' | 'ks'>) {
  return { of: Math.max(...counts), most: Math.max(...ks) };
}

function faiss(method: PeerMethod, system: string): Run {
  return async (bench, record) => {
    const peer = await startPeer(method, bench.folder, bench.vectors, bench.queriesPath(Math.max(...bench.counts)));
    try {
      for (const { nprobes, ...request } of settings(bench, method === 'flat')) {
        const probe = method === 'flat' ? {} : { nprobe: nprobes };
        const { seconds, recall, peakMemoryBytes } = await peer.ask({ ...request, ...probe, ...groundTruthOf(bench) });
        const rate = { queriesPerSecond: request.queries / seconds!, recall: recall! };
        record({ system, ...request, nprobes, ...rate, peakMemoryBytes: peakMemoryBytes! });
      }
    } finally {
      peer.stop();
    }
  };
}

function lanceflow(strategy: 'exact' | 'scan' | 'ann' | 'auto'): Run {
  return async (bench, record) => {
    for (const setting of settings(bench, strategy === 'exact')) record(await searchBucket(bench, strategy, setting));
  };
}

/** Reads the table into the page cache, which some machines empty within seconds: FAISS has everything in memory. */
async function readTable({ database }: Bench): Promise<void> {
  const files = await readdir(join(database, `${BUCKET}.lance`), { recursive: true, withFileTypes: true });
  for (const file of files)
    if (file.isFile())
      for await (const _ of createReadStream(join(file.parentPath, file.name), { highWaterMark: 4 << 20 }));
}

async function searchBucket(bench: Bench, strategy: string, setting: Setting): Promise<Measured> {
  const { queries, k, nprobes } = setting;
  const hits = join(bench.folder, 'hits.parquet');
  await readTable(bench);
  const { seconds, peakMemoryBytes, output } = await measure(LANCEFLOW, [
    ...['search-bucket', '--bucket', BUCKET, '--database', bench.database, '--queries', bench.queriesPath(queries)],
    ...['--k', `${k}`, '--search', strategy, ...(nprobes > 0 ? ['--nprobes', `${nprobes}`] : [])],
    ...['--output', hits, '--json'],
  ]);
  const { recall } = await bench.judge.ask({ hits, queries, k, ...groundTruthOf(bench) });
  await rm(hits, { force: true });
  const { mode, searchSeconds, planSeconds, estimates } = output as {
    mode: string;
    searchSeconds: number;
    planSeconds: number;
    estimates?: { strategy: string; seconds: number }[];
  };
  const estimated = estimates?.find(({ strategy }) => strategy === mode)?.seconds;
  return {
    system: `LanceFlow ${strategy}`,
    ...setting,
    queriesPerSecond: queries / (searchSeconds + (strategy === 'auto' ? planSeconds : 0)),
    processQueriesPerSecond: queries / seconds,
    recall: recall!,
    peakMemoryBytes,
    ...(strategy === 'auto' && {
      mode,
      ...(estimated !== undefined && { expectedSeconds: estimated }),
      seconds: searchSeconds + planSeconds,
    }),
  };
}

async function lancedb(bench: Bench, loop: LanceLoop, setting: Setting): Promise<Measured> {
  const { queries, k } = setting;
  const hits = join(bench.folder, 'lancedb.parquet');
  const request: LanceRequest = {
    ...{ database: bench.database, bucket: BUCKET, queriesPath: bench.queriesPath(Math.max(...bench.counts)) },
    ...{ output: hits, loop, ...setting, refine: 10 },
  };
  const script = join(ROOT, 'bench/search/lancedb.ts');
  await readTable(bench);
  const { peakMemoryBytes, output } = await measure(process.execPath, [script, JSON.stringify(request)]);
  const { recall } = await bench.judge.ask({ hits, queries, k, ...groundTruthOf(bench) });
  await rm(hits, { force: true });
  const rate = { queriesPerSecond: queries / (output.seconds as number), recall: recall! };
  return { system: `LanceDB ${loop}`, ...setting, ...rate, peakMemoryBytes };
}
