import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { availableParallelism, cpus, homedir, hostname } from 'node:os';
import { join } from 'node:path';
import { seededRandom } from '../../core/random.ts';
import type { MachineRates } from '../../core/search/cost.ts';
import { BLOCK_ROWS, TILE_QUERIES } from '../../core/search/memory.ts';
import { BlockScorer } from './block-scorer.ts';
import type { OpenBucket } from './open-bucket.ts';
import { prepareSearch } from './shared-search.ts';

const READ_SAMPLE_BYTES = 64 * 2 ** 20;
/** Few queries show what a row costs by itself. */
const FEW_QUERIES = 16;
const REPEATS = 8;
const CACHE_MS = 7 * 24 * 60 * 60 * 1000;

type ComputeRates = Pick<MachineRates, 'flopsPerSecond' | 'rowSeconds'>;

/**
 * Measures this machine: the comparison of blocks of the bucket's dimension (a fraction of a second, remembered for a week in
 * the user's cache folder) and reading the table.
 */
export async function measureRates(bucket: OpenBucket): Promise<MachineRates> {
  const { entry } = bucket;
  const compute = (await readCache(entry.dimension)) ?? (await measureCompute(entry.dimension));
  const readBytesPerSecond = await measureReading(bucket);
  return { ...compute, readBytesPerSecond, annQueriesPerSecond: undefined };
}

async function measureCompute(dimension: number): Promise<ComputeRates> {
  const many = await timeBlock(dimension, TILE_QUERIES);
  const few = await timeBlock(dimension, FEW_QUERIES);
  const pairSeconds = Math.max(1e-12, (many - few) / ((TILE_QUERIES - FEW_QUERIES) * BLOCK_ROWS));
  const rowSeconds = Math.max(0, few / BLOCK_ROWS - FEW_QUERIES * pairSeconds);
  const threads = availableParallelism();
  const rates = { flopsPerSecond: (threads * 2 * dimension) / pairSeconds, rowSeconds: rowSeconds / threads };
  await writeCache(dimension, rates);
  return rates;
}

/** Seconds of one thread for a block and so many queries that find nothing near. */
async function timeBlock(dimension: number, queryCount: number): Promise<number> {
  const random = seededRandom(7);
  const fill = (values: Float32Array) => values.set(values.map(() => random() - 0.5));
  const vectors = new Float32Array(queryCount * dimension);
  fill(vectors);
  const queries = { count: queryCount, vectors, id: () => new Uint8Array() };
  const common = new Float32Array(dimension);
  const { shared, scratches, rooms } = await prepareSearch({ metric: 'cosine', dimension }, queries, 1, common, 1);
  fill(rooms[0]!);
  shared.limits.fill(0);
  const scorer = await BlockScorer.create(shared, scratches[0]!);
  try {
    const once = () => scorer.score(rooms[0]!, undefined, () => {});
    await once();
    const startedMs = performance.now();
    for (let i = 0; i < REPEATS; i++) await once();
    return (performance.now() - startedMs) / 1000 / REPEATS;
  } finally {
    await scorer.close();
  }
}

/** Reads the start of a data file. What the page cache holds is fast, and will be in the search as well. */
async function measureReading({ database, entry }: OpenBucket): Promise<number> {
  const data = entry.files.filter(({ path }) => path.startsWith('data/'));
  const sampled = data[Math.floor(data.length / 2)];
  if (!sampled) return Number.POSITIVE_INFINITY;
  const file = await database.tables.openFile(`${entry.bucket}.lance/${sampled.path}`);
  try {
    const buffer = new Uint8Array(Math.min(READ_SAMPLE_BYTES, sampled.bytes));
    const startedMs = performance.now();
    await file.read(buffer, 0);
    return buffer.length / ((performance.now() - startedMs) / 1000);
  } finally {
    await file.close();
  }
}

function cachePath(dimension: number): string {
  const root = process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache');
  return join(root, 'lanceflow', `rates-${hostname()}-${dimension}.json`);
}

function machine(): string {
  return `${cpus()[0]?.model ?? ''} x ${availableParallelism()}`;
}

async function readCache(dimension: number): Promise<ComputeRates | undefined> {
  try {
    const cached = JSON.parse(await readFile(cachePath(dimension), 'utf8')) as ComputeRates & {
      machine: string;
      at: number;
    };
    const fresh = cached.machine === machine() && Date.now() - cached.at < CACHE_MS;
    return fresh && cached.flopsPerSecond > 0 && cached.rowSeconds >= 0 ? cached : undefined;
  } catch {
    return undefined;
  }
}

/** A cache folder that cannot be written only costs the next run half a second. */
async function writeCache(dimension: number, rates: ComputeRates): Promise<void> {
  const path = cachePath(dimension);
  await mkdir(join(path, '..'), { recursive: true })
    .then(() => writeFile(path, JSON.stringify({ ...rates, machine: machine(), at: Date.now() })))
    .catch(() => {});
}
