import { mkdir } from 'node:fs/promises';
import { resolve } from 'node:path';
import { DataError, systemErrorCode } from '../../base/errors.ts';
import { findStats } from '../../base/if-missing.ts';
import type { DatabaseParts } from '../database-parts.ts';
import { localStore } from '../store.ts';
import { localLocks } from './local-locks.ts';
import { localTables } from './local-tables.ts';

/** A database in a folder, which need not be there yet. */
export function openLocal(path: string): DatabaseParts {
  // Absolute, because LanceDB takes an address that starts with "db" for its cloud service.
  const root = resolve(path);
  return {
    uri: root,
    store: localStore(root),
    tables: localTables(root),
    locks: localLocks(root),
    async create() {
      await mkdir(root, { recursive: true }).catch((error: unknown) => {
        if (systemErrorCode(error) === 'EEXIST') throw new DataError(`${root}: a file; a database is a folder.`);
        throw error;
      });
    },
    async requireThere() {
      const info = await findStats(root);
      if (!info?.isDirectory()) throw new DataError(`${root}: no such folder, so no database.`);
    },
  };
}
