import { openS3 } from '../../s3/client.ts';
import type { DatabaseParts } from '../database-parts.ts';
import { s3Locks } from './lease.ts';
import { s3Store } from './s3-store.ts';
import { s3Tables } from './s3-tables.ts';

/** A database on S3. No request is made. @throws UsageError where the address is wrong */
export async function openRemote(uri: string): Promise<DatabaseParts> {
  const s3 = await openS3(uri);
  const store = s3Store(s3);
  return {
    uri: s3.uri,
    store,
    tables: s3Tables(s3),
    locks: s3Locks(store),
    // A prefix needs no making; that it cannot be written is told by the first write.
    async create() {},
    async requireThere() {
      await store.list('_catalog');
    },
  };
}
