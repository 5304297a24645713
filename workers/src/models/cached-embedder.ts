import { hash } from 'node:crypto';
import { basename, dirname, join, resolve } from 'node:path';
import { KEY_BYTES } from '../core/key-index.ts';
import { withScratch } from '../io/files.ts';
import { openVectorCache, type VectorCache } from '../io/vector-cache.ts';
import type { Embedder } from './embedder.ts';

const KEY_WORDS = KEY_BYTES / 4;

/** An embedder that may know sequences. */
export interface CachedEmbedder extends Embedder {
  /** Sequences computed so far, the others were known; undefined where all are computed. */
  readonly computed?: number;
}

/**
 * Runs `use` with an embedder that computes each sequence once: what `root` has from earlier runs, killed ones
 * included, is not computed again. Without `root` a folder beside the output serves this run and is removed.
 * Closes the embedder.
 */
export async function withCachedEmbedder<T>(
  embedder: Embedder,
  root: string | undefined,
  output: string,
  use: (embedder: CachedEmbedder) => Promise<T>,
): Promise<T> {
  const run = async (folder: string) => {
    const cached = createCachedEmbedder(embedder, await openVectorCache(folder, embedder.dimension));
    return withPlainEmbedder(cached, root, output, use);
  };
  if (root !== undefined) return run(cacheFolderOf(root, embedder));
  return withScratch(dirname(resolve(output)), `${basename(output)}.vectors`, run);
}

/** Runs `use` with an embedder and closes it. */
export async function withPlainEmbedder<T>(
  embedder: CachedEmbedder,
  _root: string | undefined,
  _output: string,
  use: (embedder: CachedEmbedder) => Promise<T>,
): Promise<T> {
  try {
    return await use(embedder);
  } finally {
    await embedder.close();
  }
}

/** The part of a cache folder that belongs to an embedder: vectors made in any other way are never found there. */
export function cacheFolderOf(root: string, { attributes, dimension }: Embedder): string {
  const described = Object.entries({ ...attributes, dimension }).sort(([a], [b]) => (a < b ? -1 : 1));
  return join(
    root,
    `${attributes.architecture ?? attributes.model}-${sha256(JSON.stringify(described)).toString('hex').slice(0, 32)}`,
  );
}

/** Puts a cache before an embedder; both are closed with it. */
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
      const missing = firstOfEach(sequences, known);
      const fresh = await embedder.embed([...missing.keys()]);
      await cache.add(keysOf([...missing.keys()]), fresh);
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

/** Each unknown sequence once, with its place among them. */
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
