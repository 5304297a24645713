import './quiet.ts';
import { type Connection, type ConnectionOptions, connect as connectTo, Session } from '@lancedb/lancedb';
import { memoryLimit } from '../base/memory-limit.ts';
import { cacheLimits } from './cache-limits.ts';

// The only module that loads the LanceDB client, so that its log level is set first.
export { Index } from '@lancedb/lancedb';

/** Connects to a database. The client's caches are limited by the memory of this process. */
export function connect(uri: string, options: Partial<ConnectionOptions> = {}): Promise<Connection> {
  const { index, metadata } = cacheLimits(memoryLimit());
  return connectTo(uri, { ...options, session: new Session(BigInt(index), BigInt(metadata)) });
}
