import { serveRequests } from '../../base/threads/serve-requests.ts';
import { type ThreadContext, WithTransfer } from '../../base/threads/thread-messages.ts';
import { rowIdsOf } from '../../bucket/fragment-blocks.ts';
import { PartReader, rowBytes } from '../../bucket/part-reader.ts';
import { type Probes, rankPartitions } from '../../bucket/rank-partitions.ts';
import type { RowBits } from '../../bucket/row-bits.ts';
import type { Centroids } from '../../vectors/kmeans.ts';
import type { Metric } from '../../vectors/metric.ts';
import type { VectorType } from '../../vectors/vector-type.ts';
import {
  type HitMemory,
  type HitPart,
  type HitRange,
  HitTasks,
  joinParts,
  type VectorSlice,
} from '../output/hit-tasks.ts';
import type { SharedTexts } from '../output/rank-rows.ts';
import { type BlockSchedule, stopBlocks, takeBlocks } from './block-schedule.ts';
import { type BlockRows, BlockScorer, type ChosenQueries } from './block-scorer.ts';
import { type LoadedCodeProducts, loadCodeProducts } from './filters/products.ts';
import type { SharedSearch } from './filters/shared-queries.ts';
import { BLOCK_ROWS } from './memory.ts';
import type { RowTies } from './nearest.ts';
import type { NearestMemory } from './nearest-heaps.ts';
import { loadQueries } from './shared-search.ts';

/** Start data of a search in a thread. */
export interface SearchMemory {
  shared: SharedSearch;
  nearest: NearestMemory;
  /** Address of the thread's scratch memory. */
  scratch: number;
  /** Rows of the table that are skipped. */
  deleted?: RowBits | undefined;
  /** Queries that the thread loads before it scores. */
  load?: { vectors: Float32Array; first: number; end: number };
}

/** Centroids to rank for queries. */
export interface RankRequest {
  queries: { count: number; vectors: Float32Array };
  centroids: Centroids;
  metric: Metric;
  nprobes: number;
}

/** Data files on this machine, and their blocks. */
export interface FileBlocks {
  schedule: BlockSchedule;
  vectorType: VectorType;
  /** Absolute path of each fragment's file, and the byte at which its vectors begin. */
  files: readonly { path: string; offset: number }[];
  /** For the rows that the thread reads: [BLOCK_ROWS, D] */
  buffer: Float32Array;
}

/** A block whose rows are in shared memory. */
export interface LoadedBlock extends BlockRows {
  chosen: ChosenQueries | undefined;
}

type Context = ThreadContext<RowTies>;

/** The module loads the encoder of Parquet, which a thread needs only when it writes. */
const loadWriter = () => import('../../hits/parquet/hits-writer.ts');

let hitTasks: HitTasks | undefined;
let hitMemory: HitMemory | undefined;
let scorer: BlockScorer | undefined;
/** Loaded before there is a scorer, which then owns them. */
let products: Promise<LoadedCodeProducts> | undefined;
let dimension = 0;

const methods = {
  /** Loads the products of codes ahead of their use. @returns the largest code of a query */
  async loadProducts(ofDimension: number): Promise<number> {
    products ??= loadCodeProducts(ofDimension);
    return (await products).largestCode;
  },

  async rankPartitions({ queries, centroids, metric, nprobes }: RankRequest): Promise<WithTransfer<Probes>> {
    const probes = await rankPartitions(queries, { centroids }, metric, nprobes);
    return new WithTransfer(probes, [probes.partitions.buffer as ArrayBuffer]);
  },

  begin({ shared, nearest, scratch, deleted, load }: SearchMemory): void {
    dimension = shared.dimension;
    if (load) loadQueries(shared, load.vectors, load.first, load.end);
    scorer = new BlockScorer(shared, scratch, nearest, products, deleted);
    products = undefined;
  },

  /** Scores blocks of data files, which it reads itself, until none is left; emits ties. */
  async scoreFiles({ schedule, vectorType, files, buffer }: FileBlocks, { emit }: Context): Promise<void> {
    const reader = new PartReader(dimension, vectorType);
    const rowIds = new Float64Array(BLOCK_ROWS);
    try {
      for (const { parts, chosen } of takeBlocks(schedule, dimension)) {
        const located = parts.map(({ fragment, offset, rows }) => {
          const { path, offset: start } = files[fragment]!;
          return { path, position: start + offset * rowBytes(dimension, vectorType), rows };
        });
        rowIdsOf(parts, rowIds);
        const vectors = reader.read(located, buffer);
        await emitTies(emit, await scorer!.score({ vectors, rowIds }, chosen, (ties) => emitTies(emit, ties)));
      }
    } catch (error) {
      stopBlocks(schedule);
      throw error;
    } finally {
      reader.close();
    }
  },

  /** Scores one block; emits ties. */
  async scoreBlock({ vectors, rowIds, chosen }: LoadedBlock, { emit }: Context): Promise<void> {
    await emitTies(emit, await scorer!.score({ vectors, rowIds }, chosen, (ties) => emitTies(emit, ties)));
  },

  /** Loads the encoder ahead of its use, by encoding one hit: WebAssembly compiles a function at its first call. */
  async loadEncoder(): Promise<void> {
    const { encodeHits } = await loadWriter();
    const text = { offsets: Int32Array.of(0, 1), bytes: Uint8Array.of(48) };
    await encodeHits({ queryIds: text, targetIds: text, distances: Float32Array.of(0), bucket: '0' }, {});
  },

  beginHits(memory: HitMemory): void {
    hitMemory = memory;
    hitTasks = new HitTasks(memory);
  },

  markRows(slice: VectorSlice): void {
    hitTasks!.markRows(slice);
  },

  rankVectors({ slice, ids }: { slice: VectorSlice; ids: SharedTexts }): void {
    hitTasks!.rankVectors(slice, ids);
  },

  countHits({ first, end, ids }: { first: number; end: number; ids: SharedTexts }): void {
    hitTasks!.countHits(first, end, ids);
  },

  /** Gathers a range of hits, after those that were carried over. */
  gatherHits({ range, ids, carried }: GatherRequest): HitPart {
    const part = hitTasks!.gather(range, ids);
    return carried ? joinParts(carried, part) : part;
  },

  async encodeRange(request: GatherRequest) {
    return methods.encodeHits(methods.gatherHits(request));
  },

  /** Encodes hits as a Parquet file. */
  async encodeHits(part: HitPart): Promise<WithTransfer<Uint8Array>> {
    const { encodeHits } = await loadWriter();
    const { bucket, metadata } = hitMemory!;
    const encoded = await encodeHits({ ...part, bucket }, metadata);
    return new WithTransfer(encoded, [encoded.buffer]);
  },
};

interface GatherRequest {
  range: HitRange;
  ids: SharedTexts;
  carried: HitPart | undefined;
}

export type ScoreMethods = typeof methods;

serveRequests(methods, {
  async onClose() {
    await scorer?.close();
    await (await products)?.products.close();
  },
});

/** Waits until they are handled, so that ties do not pile up. */
async function emitTies(emit: Context['emit'], ties: RowTies): Promise<void> {
  if (ties.rows.length === 0) return;
  await emit(
    ties,
    [ties.queries, ties.rows, ties.distances].map(({ buffer }) => buffer as ArrayBuffer),
  );
}
