import { checkFilePath } from '../../app/file-options.ts';
import { openS3 } from '../../s3/client.ts';
import type { DatabaseParts } from '../database-parts.ts';
import { s3Locks } from './lease.ts';
import { s3NodeTables } from './s3-node-tables.ts';
import { s3Publisher } from './s3-publisher.ts';
import { s3Reader } from './s3-reader.ts';
import { s3Store } from './s3-store.ts';

/**
 * Opens a database on S3. Makes no request.
 * @param work folder that the tasks of this node share; LANCEFLOW_WORK where undefined
 * @throws UsageError where the address is wrong
 */
export async function openRemote(uri: string, work = defaultWork()): Promise<DatabaseParts> {
  const s3 = await openS3(uri);
  const store = s3Store(s3);
  const tables = s3Reader(s3);
  const nodeTables = s3NodeTables(s3, tables, work);
  return {
    uri: s3.uri,
    store,
    tables,
    publisher: s3Publisher(s3, store, tables, nodeTables.scratch, work),
    nodeTables,
    locks: s3Locks(store),
    // A prefix exists with its first object; the first write tells where that is not permitted.
    async create() {},
    async requireExists() {
      await store.list('_catalog');
    },
  };
}

function defaultWork(): string | undefined {
  const folder = process.env.LANCEFLOW_WORK || undefined;
  if (folder !== undefined) checkFilePath('LANCEFLOW_WORK', folder);
  return folder;
}
