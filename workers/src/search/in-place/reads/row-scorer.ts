import { Field, FixedSizeList, Float32, Int32, makeData, RecordBatch, Schema, Struct, Table } from 'apache-arrow';
import { mapConcurrently } from '../../../base/concurrency/map-concurrently.ts';
import { ResourcePool } from '../../../base/concurrency/resource-pool.ts';
import { LANES } from '../../../base/wasm/simd.ts';
import { connect } from '../../../lance/lancedb.ts';
import type { Metric } from '../../../vectors/metric.ts';
import { type LanceKernels, lanceKernels } from './lance-kernels.ts';
import { GAP_BYTES, packReads, planRowReads, type RowRead } from './row-reads.ts';

/** Vectors that are read and scored at once, in each buffer: a request of S3's usual throughput. */
const BUFFER_BYTES = 2 ** 21;
const BUFFERS = 16;
const READS_AT_ONCE = 32;
const MOST_DIMENSION = 4096;
const QUERY_BYTES = 4 * MOST_DIMENSION;
/** Distances of a buffer's rows, of the smallest dimension. */
const DISTANCE_BYTES = BUFFER_BYTES / LANES;
const PAGE_BYTES = 2 ** 16;

/** Of the comparison with LanceDB. */
const CHECKED_QUERIES = 4;
const CHECKED_ROWS = 32;

interface Scratch {
  query: Float32Array;
  distances: Float32Array;
  vectors: Uint8Array;
}

interface SharedKernels {
  kernels: LanceKernels;
  buffers: ResourcePool<Scratch>;
}

/** Fills `into` with the vectors of consecutive rows of a fragment. */
export type ReadVectors = (read: RowRead, into: Uint8Array) => Promise<void>;

let shared: SharedKernels | undefined;
const scorers = new Map<string, Promise<RowScorer | undefined>>();

/**
 * Returns what computes the distances of vectors of this dimension to the bit as LanceDB does, in a fraction of its time and memory.
 * @returns undefined where a comparison with the LanceDB of this process finds a difference or fails, or the engine has no such kernels
 */
export function rowScorer(metric: Metric, dimension: number): Promise<RowScorer | undefined> {
  const key = `${metric} ${dimension}`;
  let scorer = scorers.get(key);
  if (!scorer) {
    // Without it, LanceDB computes the distances.
    scorer = RowScorer.open(metric, dimension).catch(() => undefined);
    scorers.set(key, scorer);
  }
  return scorer;
}

export class RowScorer {
  readonly #metric: Metric;
  readonly #dimension: number;
  readonly #shared: SharedKernels;

  private constructor(metric: Metric, dimension: number, kernels: SharedKernels) {
    this.#metric = metric;
    this.#dimension = dimension;
    this.#shared = kernels;
  }

  static async open(metric: Metric, dimension: number): Promise<RowScorer | undefined> {
    if (dimension % LANES !== 0 || dimension > MOST_DIMENSION) return undefined;
    try {
      shared ??= shareKernels();
    } catch {
      // An engine without relaxed SIMD.
      return undefined;
    }
    const scorer = new RowScorer(metric, dimension, shared);
    return (await scorer.#isLikeLance()) ? scorer : undefined;
  }

  /**
   * Reads rows and computes their distances from a query.
   * @param rowIds of LanceDB, ascending @param spareRows that may be read besides, to save requests
   */
  async score(
    query: Float32Array,
    rowIds: Float64Array,
    spareRows: number,
    readVectors: ReadVectors,
  ): Promise<Float32Array> {
    const rowBytes = 4 * this.#dimension;
    const mostRows = Math.floor(BUFFER_BYTES / rowBytes);
    const distances = new Float32Array(rowIds.length);
    const reads = planRowReads(rowIds, mostRows, spareRows, Math.floor(GAP_BYTES / rowBytes));
    const packs = packReads(reads, mostRows);
    const { kernels, buffers } = this.#shared;
    await mapConcurrently(packs, Math.min(BUFFERS, packs.length), async (pack) => {
      const scratch = await buffers.acquire();
      try {
        let at = 0;
        const placed = pack.map((read) => {
          const bytes = read.rows * rowBytes;
          at += bytes;
          return { read, vectors: scratch.vectors.subarray(at - bytes, at) };
        });
        await mapConcurrently(placed, Math.min(READS_AT_ONCE, placed.length), ({ read, vectors }) =>
          readVectors(read, vectors),
        );
        scratch.query.set(query);
        for (const { read, vectors } of placed)
          for (const run of read.runs) {
            const rows = vectors.byteOffset + (run.first - read.first) * rowBytes;
            kernels[this.#metric](
              scratch.query.byteOffset,
              rows,
              run.rows,
              this.#dimension,
              scratch.distances.byteOffset,
            );
            distances.set(scratch.distances.subarray(0, run.rows), run.at);
          }
      } finally {
        buffers.release(scratch);
      }
    });
    return distances;
  }

  /** Compares some distances, of near and far rows, with those of LanceDB. */
  async #isLikeLance(): Promise<boolean> {
    const dimension = this.#dimension;
    // Any numbers; their rounding must be that of LanceDB.
    const numbers = (count: number, seed: number) =>
      Float32Array.from({ length: count }, (_, i) => Math.sin(12.9898 * (i + 1) + seed) / Math.sqrt(dimension));
    const queries = Array.from({ length: CHECKED_QUERIES }, (_, i) => numbers(dimension, i));
    const noise = numbers(CHECKED_ROWS * dimension, 0.5);
    const rows = noise.map(
      (value, i) => (value * (i % 7)) / 4 + queries[Math.floor(i / dimension) % CHECKED_QUERIES]![i % dimension]!,
    );
    const connection = await connect('memory://');
    const table = await connection.createTable('rows', tableOf(rows, dimension) as never);
    try {
      for (const query of queries) {
        const rowIds = Float64Array.from({ length: CHECKED_ROWS }, (_, row) => row);
        const own = await this.score(query, rowIds, 0, async (read, into) => {
          into.set(new Uint8Array(rows.buffer, 4 * dimension * read.first, into.length));
        });
        const found = await table
          .query()
          .nearestTo(query)
          .column('embedding')
          .distanceType(this.#metric)
          .limit(CHECKED_ROWS)
          .select(['row', '_distance'])
          .toArrow();
        const [at, distances] = ['row', '_distance'].map((name) => found.getChild(name)!.toArray());
        if (found.numRows !== CHECKED_ROWS || distances.some((value: number, i: number) => value !== own[at[i]]))
          return false;
      }
      return true;
    } finally {
      table.close();
      connection.close();
    }
  }
}

function shareKernels(): SharedKernels {
  const bytes = QUERY_BYTES + DISTANCE_BYTES + BUFFER_BYTES;
  const pages = Math.ceil((BUFFERS * bytes) / PAGE_BYTES);
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
  let created = 0;
  const buffers = new ResourcePool<Scratch>(BUFFERS, () => {
    const start = bytes * created++;
    return {
      query: new Float32Array(memory.buffer, start, MOST_DIMENSION),
      distances: new Float32Array(memory.buffer, start + QUERY_BYTES, DISTANCE_BYTES / 4),
      vectors: new Uint8Array(memory.buffer, start + QUERY_BYTES + DISTANCE_BYTES, BUFFER_BYTES),
    };
  });
  return { kernels: lanceKernels(memory), buffers };
}

function tableOf(vectors: Float32Array, dimension: number): Table {
  const length = vectors.length / dimension;
  const type = new FixedSizeList(dimension, new Field('item', new Float32(), true));
  const schema = new Schema([new Field('embedding', type, true), new Field('row', new Int32(), true)]);
  const child = makeData({ type: new Float32(), length: vectors.length, nullCount: 0, data: vectors });
  const children = [
    makeData({ type, length, nullCount: 0, child }),
    makeData({ type: new Int32(), length, nullCount: 0, data: Int32Array.from({ length }, (_, row) => row) }),
  ];
  return new Table(
    schema,
    new RecordBatch(schema, makeData({ type: new Struct(schema.fields), length, nullCount: 0, children })),
  );
}
