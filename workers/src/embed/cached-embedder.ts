import { hash } from 'node:crypto';
import { rmdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { KEY_BYTES } from '../base/bytes/key-index.ts';
import { removeFolder, withScratch } from '../base/files/scratch.ts';
import { scratchPathOf } from '../base/files/stream-output.ts';
import { findBadEmbedding } from '../vectors/vector-check.ts';
import type { Embedder } from './embedder.ts';
import { openVectorCache, type VectorCache } from './vector-cache.ts';

const KEY_WORDS = KEY_BYTES / 4;

/** An embedder that may already have the vectors of some sequences. */
export interface CachedEmbedder extends Embedder {
  /** Count of sequences computed so far; the others were cached. Undefined without a cache. */
  readonly computed?: number;
}

/** Locations that store vectors as soon as they are computed. */
export interface VectorKeeping {
  /** A folder that keeps vectors for all runs. */
  cache: string | undefined;
  /** Without a cache: a folder for the vectors of unfinished runs. Default: the output's folder. */
  checkpoints: string | undefined;
  /** The shard that is written. */
  output: string;
  /** Identifies the sequences; undefined if they can be read only once. */
  inputHash: string | undefined;
}

/**
 * Runs `use` with an embedder that computes each sequence once. Vectors are kept in the cache or, without one, until `use` succeeds, so
 * that a run with the same sequences, model and options resumes a killed one. Closes the embedder.
 */
export async function withCachedEmbedder<T>(
  embedder: Embedder,
  keeping: VectorKeeping,
  use: (embedder: CachedEmbedder) => Promise<T>,
): Promise<T> {
  const { cache, output, inputHash } = keeping;
  const run = async (folder: string) =>
    withPlainEmbedder(createCachedEmbedder(embedder, await openVectorCache(folder, embedder.dimension)), use);
  if (cache !== undefined) return run(cacheFolderOf(cache, embedder));
  if (inputHash === undefined) return withScratch(dirname(scratchPathOf(output)), `${basename(output)}.vectors`, run);
  return withCheckpoint(checkpointOf(embedder, keeping, inputHash), run);
}

/** Runs `use` with a folder that is removed after success and kept after a failure. */
async function withCheckpoint<T>(folder: string, use: (folder: string) => Promise<T>): Promise<T> {
  let result: T;
  try {
    result = await use(folder);
  } catch (error) {
    // Removes the folder only if it is empty. The first error is the one to report.
    await rmdir(folder).catch(() => {});
    throw error;
  }
  await removeFolder(folder);
  return result;
}

function checkpointOf(embedder: Embedder, { checkpoints, output }: VectorKeeping, inputHash: string): string {
  const name = sha256(`${inputHash} ${basename(cacheFolderOf('', embedder))}`)
    .toString('hex')
    .slice(0, 32);
  if (checkpoints !== undefined) return join(checkpoints, `${name}.vectors`);
  return join(dirname(scratchPathOf(output)), `.${basename(output)}.${name}.vectors`);
}

/** Runs `use` with an embedder and closes it. */
export async function withPlainEmbedder<T>(
  embedder: CachedEmbedder,
  use: (embedder: CachedEmbedder) => Promise<T>,
): Promise<T> {
  try {
    return await use(embedder);
  } finally {
    await embedder.close();
  }
}

/** Returns the subfolder of a cache for an embedder. Its name depends on everything that determines the vectors. */
export function cacheFolderOf(root: string, { attributes, dimension }: Embedder): string {
  const described = Object.entries({ ...attributes, dimension }).sort(([a], [b]) => (a < b ? -1 : 1));
  return join(
    root,
    `${attributes.architecture ?? attributes.model}-${sha256(JSON.stringify(described)).toString('hex').slice(0, 32)}`,
  );
}

/** Adds a cache to an embedder. Closing the result closes both. */
export function createCachedEmbedder(embedder: Embedder, cache: VectorCache): CachedEmbedder {
  const { dimension } = embedder;
  let computed = 0;
  return {
    ...embedder,
    get computed() {
      return computed;
    },
    async embed(sequences) {
      const keys = keysOf(sequences);
      const vectors = new Float32Array(sequences.length * dimension);
      const known = await cache.find(keys, vectors);
      // A cache may predate the check of vectors: bad ones are computed again, and reported if they are still bad.
      for (const row of badRows(vectors, dimension)) known[row] = false;
      const missing = firstOfEach(sequences, known);
      const fresh = await embedder.embed([...missing.keys()]);
      await addGood(cache, [...missing.keys()], fresh, dimension);
      computed += missing.size;
      for (const [row, sequence] of sequences.entries()) {
        if (known[row]) continue;
        const from = missing.get(sequence)! * dimension;
        vectors.set(fresh.subarray(from, from + dimension), row * dimension);
      }
      return vectors;
    },
    async close() {
      await cache.close();
      await embedder.close();
    },
  };
}

/** Caches vectors, except bad ones: a later run, on a repaired model or machine, must compute them again. */
async function addGood(
  cache: VectorCache,
  sequences: readonly string[],
  vectors: Float32Array,
  dimension: number,
): Promise<void> {
  let first = 0;
  for (const bad of [...badRows(vectors, dimension), sequences.length]) {
    await cache.add(keysOf(sequences.slice(first, bad)), vectors.subarray(first * dimension, bad * dimension));
    first = bad + 1;
  }
}

/** Finds the rows of vectors that cannot be searched. */
function badRows(vectors: Float32Array, dimension: number): number[] {
  const rows: number[] = [];
  const count = vectors.length / dimension;
  for (let first = 0; first < count; first = rows.at(-1)! + 1) {
    const bad = findBadEmbedding(vectors.subarray(first * dimension), count - first, dimension);
    if (!bad) break;
    rows.push(first + bad.row);
  }
  return rows;
}

/** Numbers the distinct unknown sequences. */
function firstOfEach(sequences: readonly string[], known: readonly boolean[]): Map<string, number> {
  const places = new Map<string, number>();
  for (const [row, sequence] of sequences.entries())
    if (!known[row] && !places.has(sequence)) places.set(sequence, places.size);
  return places;
}

function keysOf(sequences: readonly string[]): Uint32Array {
  const keys = new Uint32Array(sequences.length * KEY_WORDS);
  const bytes = new Uint8Array(keys.buffer);
  for (const [row, sequence] of sequences.entries())
    bytes.set(sha256(sequence).subarray(0, KEY_BYTES), row * KEY_BYTES);
  return keys;
}

function sha256(text: string): Buffer {
  return hash('sha256', text, 'buffer');
}
