import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { availableParallelism, cpus, homedir, hostname } from 'node:os';
import { join } from 'node:path';
import { seededRandom } from '../../core/random.ts';
import type { MachineRates } from '../../core/search/cost.ts';
import type { OpenBucket } from './open-bucket.ts';
import { allocateBlock, createScorer, sealBlock } from './scorer.ts';

const READ_SAMPLE_BYTES = 64 * 2 ** 20;
const LARGE = { queries: 512, rows: 4096 };
const SMALL = { queries: 48, rows: 512 };
const CACHE_MS = 7 * 24 * 60 * 60 * 1000;

type ComputeRates = Pick<MachineRates, 'flopsPerSecond' | 'smallFlopsPerSecond'>;

/**
 * Measures this machine: matrix products of the bucket's dimension (a fraction of a second, remembered for a week in
 * the user's cache folder) and reading the table.
 */
export async function measureRates(bucket: OpenBucket): Promise<MachineRates> {
  const { entry } = bucket;
  const compute = (await readCache(entry.dimension)) ?? (await measureCompute(entry.dimension));
  const readBytesPerSecond = await measureReading(bucket);
  return { ...compute, readBytesPerSecond, annQueriesPerSecond: undefined };
}

async function measureCompute(dimension: number): Promise<ComputeRates> {
  const flopsPerSecond = await measureProduct(dimension, LARGE, 2);
  const smallFlopsPerSecond = await measureProduct(dimension, SMALL, 24);
  const rates = { flopsPerSecond, smallFlopsPerSecond };
  await writeCache(dimension, rates);
  return rates;
}

async function measureProduct(
  dimension: number,
  shape: { queries: number; rows: number },
  repeats: number,
): Promise<number> {
  const random = seededRandom(7);
  const fill = (values: Float32Array) => values.set(values.map(() => random() - 0.5));
  const queries = new Float32Array(shape.queries * dimension);
  const block = allocateBlock(shape.rows, dimension);
  fill(queries);
  fill(block.vectors);
  const sealed = sealBlock(block, shape.rows, dimension);
  const scorer = await createScorer(dimension, 'cosine');
  try {
    const once = () => scorer.nearest(queries, sealed, 11);
    await once();
    const startedMs = performance.now();
    for (let i = 0; i < repeats; i++) await once();
    const seconds = (performance.now() - startedMs) / 1000;
    return (2 * shape.queries * shape.rows * dimension * repeats) / seconds;
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
    return fresh && cached.flopsPerSecond > 0 && cached.smallFlopsPerSecond > 0 ? cached : undefined;
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
