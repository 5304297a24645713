import { serveRequests } from '../../base/threads/serve-requests.ts';
import { ContentHash } from '../../shard/content-hash.ts';
import type { VectorType } from '../../vectors/vector-type.ts';
import type { HashedBlock } from './run-reader.ts';

const hashes = new Map<number, ContentHash>();

const methods = {
  /** Adds the next rows of a source's shard. */
  add({ source, vectors, ids }: HashedBlock): void {
    const hash = hashes.get(source) ?? new ContentHash();
    hashes.set(source, hash);
    hash.add(vectors, ids);
  },

  /** Ends the hash of a source. @returns the hash in hex */
  digest({ source, vectorType, dimension }: { source: number; vectorType: VectorType; dimension: number }): string {
    const hash = hashes.get(source)!;
    hashes.delete(source);
    return hash.digest(vectorType, dimension);
  },
};

/** Computes content hashes of shards that several threads read. */
export type HashThread = typeof methods;

serveRequests<HashThread>(methods);
