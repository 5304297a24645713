import { mkdir } from 'node:fs/promises';
import { resolve } from 'node:path';
import { DataError, systemErrorCode } from '../../base/errors.ts';
import { findStats } from '../../base/missing-files.ts';
import { missingFolder, notAFolder } from '../database-messages.ts';
import type { DatabaseParts } from '../database-parts.ts';
import { folderReader } from '../node/folder-reader.ts';
import { localLocks } from './local-locks.ts';
import { localNodeTables } from './local-node-tables.ts';
import { localPublisher } from './local-publisher.ts';
import { localStore } from './local-store.ts';

/** Opens a database in a folder, which may not exist yet. @param work folder in which tables are built instead */
export function openLocal(path: string, work: string | undefined): DatabaseParts {
  // Absolute, because LanceDB treats an address that starts with "db" as one of its cloud service.
  const root = resolve(path);
  const tables = folderReader(root);
  const nodeTables = localNodeTables(root, tables, work);
  return {
    uri: root,
    store: localStore(root),
    tables,
    publisher: localPublisher(root, nodeTables.scratch),
    nodeTables,
    locks: localLocks(root),
    async create() {
      await mkdir(root, { recursive: true }).catch((error: unknown) => {
        if (systemErrorCode(error) === 'EEXIST') throw new DataError(notAFolder(root));
        throw error;
      });
    },
    async requireExists() {
      const info = await findStats(root);
      if (!info?.isDirectory()) throw new DataError(missingFolder(root));
    },
  };
}
