import { join } from 'node:path';
import { mirrorTable } from '../../lance/table-files.ts';
import { reserveScratch } from '../node/reserve.ts';
import type { NodeTables } from '../node-tables.ts';
import type { TableReader } from '../table-reader.ts';

/** Works on tables of a database in a folder through hard links, and searches them in place. */
export function localNodeTables(root: string, tables: TableReader, work: string | undefined): NodeTables {
  return {
    scratch: work ?? root,
    reserve: (folder, bytes) => reserveScratch(work, join(root, '_pending'), folder, bytes),
    mirror: ({ bucket }, folder) =>
      mirrorTable(join(root, `${bucket}.lance`), folder, (path) => !path.startsWith('_indices/')),
    openForSearch: async (entry) => ({ tables, entry, async [Symbol.asyncDispose]() {} }),
  };
}
