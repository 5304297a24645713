import { serveRequests } from '../../base/threads/serve-requests.ts';
import { ContentHash, type HashedShard } from '../../shard/content-hash.ts';
import type { HashedBlock } from './run-reader.ts';

const hashes = new Map<number, ContentHash>();

const methods = {
  /** Adds the next rows of a source's shard. */
  add({ source, vectors, ids, kept }: HashedBlock): void {
    const hash = hashes.get(source) ?? new ContentHash();
    hashes.set(source, hash);
    hash.add(vectors, ids, kept);
  },

  /** Ends the hash of a source. @returns the hash in hex */
  digest({ source, ...shard }: HashedShard & { source: number }): string {
    const hash = hashes.get(source)!;
    hashes.delete(source);
    return hash.digest(shard).contentHash;
  },
};

/** Computes content hashes of shards that several threads read. */
export type HashThread = typeof methods;

serveRequests<HashThread>(methods);
