import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { availableParallelism, cpus, homedir, hostname } from 'node:os';
import { join } from 'node:path';
import * as z from 'zod/mini';
import { seededRandom } from '../../base/random.ts';
import { AMOUNT, parseJson } from '../../base/text/document.ts';
import type { OpenBucket } from '../../bucket/open-bucket.ts';
import type { SearchRates } from '../../forecast/model/search-rates.ts';
import { BlockScorer, instantiateKernels } from '../engine/block-scorer.ts';
import { BLOCK_ROWS, FEW_QUERIES, TILE_QUERIES } from '../engine/memory.ts';
import { allocateNearest } from '../engine/nearest-heaps.ts';
import { prepareSearch } from '../engine/shared-search.ts';
import type { MachineRates } from './cost.ts';

/** Bytes that each core reads, from its own file if there are enough. */
const READ_SAMPLE_BYTES = 32 * 2 ** 20;
/** Products of float32 are timed with this many queries and with FEW_QUERIES: the difference shows the cost of a row by itself. */
const FEWER_QUERIES = 16;
/** Products of codes are timed with this many queries, as many as typically probe a partition, and with TILE_QUERIES. */
const CHOSEN_QUERIES = 128;
const REPEATS = 8;
const CACHE_MS = 7 * 24 * 60 * 60 * 1000;

const RATE = z.number().check(z.positive());
/** Content of the cache; rates are measured again where it is anything else. */
const CACHED_RATES = z.object({
  ...{ flopsPerSecond: RATE, fewFlopsPerSecond: RATE, distanceSeconds: RATE },
  ...{ rowSeconds: AMOUNT, fewRowSeconds: AMOUNT, queryBlockSeconds: AMOUNT },
  machine: z.string(),
  at: z.number(),
});

/**
 * Measures this machine: comparing blocks of the bucket's dimension, which takes a fraction of a second and is kept for a week in
 * the user's cache folder, and reading the table.
 */
export async function measureRates(bucket: OpenBucket): Promise<MachineRates> {
  const compute = await measureComputeRates(bucket.entry.dimension);
  const readBytesPerSecond = await measureReading(bucket);
  return { ...compute, readBytesPerSecond, annQueriesPerSecond: undefined };
}

/** Measures products and distances of this machine, or takes what was measured within a week. */
export async function measureComputeRates(dimension: number): Promise<SearchRates> {
  return (await readCache(dimension)) ?? (await measureCompute(dimension));
}

async function measureCompute(dimension: number): Promise<SearchRates> {
  const most = await timeBlock(dimension, TILE_QUERIES, false);
  const many = await timeBlock(dimension, CHOSEN_QUERIES, false);
  const chosen = await timeBlock(dimension, CHOSEN_QUERIES, true);
  const few = await timeBlock(dimension, FEW_QUERIES, false);
  const fewer = await timeBlock(dimension, FEWER_QUERIES, false);
  const byCodes = fitLine([CHOSEN_QUERIES, many.block], [TILE_QUERIES, most.block]);
  const byFloats = fitLine([FEWER_QUERIES, fewer.block], [FEW_QUERIES, few.block]);
  const threads = availableParallelism();
  const rates = {
    flopsPerSecond: (threads * 2 * dimension) / byCodes.pairSeconds,
    rowSeconds: byCodes.rowSeconds / threads,
    fewFlopsPerSecond: (threads * 2 * dimension) / byFloats.pairSeconds,
    fewRowSeconds: byFloats.rowSeconds / threads,
    queryBlockSeconds: Math.max(0, (chosen.block - many.block) / CHOSEN_QUERIES) / threads,
    distanceSeconds: most.distance / threads,
  };
  await writeCache(dimension, rates);
  return rates;
}

/** Derives the seconds of a row by itself and of a pair from the seconds of a block with fewer and with more queries. */
function fitLine([fewer, lessSeconds]: [number, number], [more, seconds]: [number, number]) {
  const pairSeconds = Math.max(1e-12, (seconds - lessSeconds) / ((more - fewer) * BLOCK_ROWS));
  return { pairSeconds, rowSeconds: Math.max(0, lessSeconds / BLOCK_ROWS - fewer * pairSeconds) };
}

/**
 * Times one thread: a block with queries that find nothing near, and a true distance.
 * @param chosen whether queries are chosen for the block, as for `scan`
 */
async function timeBlock(
  dimension: number,
  queryCount: number,
  chosen: boolean,
): Promise<{ block: number; distance: number }> {
  const random = seededRandom(7);
  const fill = (values: Float32Array) => values.set(values.map(() => random() - 0.5));
  const vectors = new Float32Array(queryCount * dimension);
  fill(vectors);
  const centre = new Float32Array(dimension);
  const common = chosen ? undefined : centre;
  const { shared, scratchAddresses, blockBuffers } = await prepareSearch(
    { metric: 'cosine', dimension },
    { count: queryCount, vectors },
    1,
    common,
    1,
  );
  const own = chosen ? { queries: Int32Array.from({ length: queryCount }, (_, i) => i), centre } : undefined;
  const rows = { vectors: blockBuffers[0]!, rowIds: new Float64Array(BLOCK_ROWS) };
  fill(rows.vectors);
  shared.limits.fill(0);
  const scorer = new BlockScorer(shared, scratchAddresses[0]!, allocateNearest(queryCount, 1));
  try {
    const block = await timed(REPEATS, () => scorer.score(rows, own, () => {}));
    const { innerProduct } = instantiateKernels(shared.module, shared.memory);
    const [a, b] = [shared.queries.byteOffset, rows.vectors.byteOffset];
    const distance = await timed(REPEATS, () => {
      for (let row = 0; row < BLOCK_ROWS; row++) innerProduct(a, b + row * dimension * 4, dimension);
    });
    return { block, distance: distance / BLOCK_ROWS };
  } finally {
    await scorer.close();
  }
}

/** Returns the mean seconds of a repeated call, after one that only warms up. */
async function timed(repeats: number, once: () => unknown): Promise<number> {
  await once();
  const startedMs = performance.now();
  for (let i = 0; i < repeats; i++) await once();
  return (performance.now() - startedMs) / 1000 / repeats;
}

/** Measures the bytes a second of reading the start of a few data files at once. The page cache speeds up this and the search alike. */
async function measureReading({ database, entry }: OpenBucket): Promise<number> {
  const data = entry.files.filter(({ path }) => path.startsWith('data/'));
  if (data.length === 0) return Number.POSITIVE_INFINITY;
  const readers = availableParallelism();
  const startedMs = performance.now();
  const sizes = await Promise.all(
    Array.from({ length: readers }, async (_, reader) => {
      const { path, bytes } = data[Math.floor(((reader + 0.5) * data.length) / readers)]!;
      const file = await database.tables.openFile(`${entry.bucket}.lance/${path}`);
      try {
        const buffer = new Uint8Array(Math.min(READ_SAMPLE_BYTES, bytes));
        await file.read(buffer, 0);
        return buffer.length;
      } finally {
        await file.close();
      }
    }),
  );
  return sizes.reduce((sum, size) => sum + size, 0) / ((performance.now() - startedMs) / 1000);
}

function cachePath(dimension: number): string {
  const root = process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache');
  return join(root, 'lanceflow', `rates-${hostname()}-${dimension}.json`);
}

function machine(): string {
  return `${cpus()[0]?.model ?? ''} x ${availableParallelism()}`;
}

async function readCache(dimension: number): Promise<SearchRates | undefined> {
  // Whatever is wrong with the file: measuring again takes half a second.
  const text = await readFile(cachePath(dimension), 'utf8').catch(() => '');
  const { success, data } = z.safeParse(CACHED_RATES, parseJson(text));
  if (!success || data.machine !== machine() || Math.abs(Date.now() - data.at) >= CACHE_MS) return undefined;
  const { machine: _, at: __, ...rates } = data;
  return rates;
}

/** A cache folder that cannot be written only costs the next run half a second. */
async function writeCache(dimension: number, rates: SearchRates): Promise<void> {
  const path = cachePath(dimension);
  await mkdir(join(path, '..'), { recursive: true })
    .then(() => writeFile(path, JSON.stringify({ ...rates, machine: machine(), at: Date.now() })))
    .catch(() => {});
}
