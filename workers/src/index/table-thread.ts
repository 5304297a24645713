import { join } from 'node:path';
import { serveRequests } from '../base/threads/serve-requests.ts';
import type { IndexDescription, TableDescription } from '../database/catalog/catalog-entry.ts';
import { Index } from '../lance/lancedb.ts';
import { takeVectorsAt } from '../lance/read-table.ts';
import { openTable } from '../lance/tables.ts';
import { drawNullSample, measureNulls } from '../vectors/significance/measure-nulls.ts';
import type { NullDistances } from '../vectors/significance/null-distances.ts';
import { checkIndex } from './check-index.ts';

/** A table `<folder>/<bucket>.lance`. */
export interface TableAddress {
  folder: string;
  bucket: string;
}

/** An index of a table, to build or to check. */
export interface IndexRequest extends TableAddress {
  ingested: TableDescription;
  index: IndexDescription;
}

const methods = {
  /** Drops the indices of a table: its version may have one whose files are not in the folder. @returns the table's row count */
  dropIndices: (address: TableAddress): Promise<number> =>
    withTable(address, async (table) => {
      for (const { name } of await table.listIndices()) await table.dropIndex(name);
      return table.countRows();
    }),

  /** Builds an index with LanceDB. */
  createIndex: ({ index, ...address }: IndexRequest): Promise<void> =>
    withTable(address, (table) => table.createIndex('embedding', { config: indexConfig(index), replace: false })),

  /** Checks the index of a table. @returns the table's version, and a warning if the index finds few neighbours */
  check: ({ ingested, index, ...address }: IndexRequest): Promise<{ version: number; warning: string | undefined }> =>
    withTable(address, async (table) => {
      const { folder, bucket } = address;
      const path = join(folder, `${bucket}.lance`);
      const warning = index.kind === 'none' ? undefined : await checkIndex(table, path, bucket, ingested, index);
      return { version: await table.version(), warning };
    }),

  /** Measures the null distribution of a table's distances on a sample of its rows. */
  measureNulls: ({ ingested, index, ...address }: IndexRequest): Promise<NullDistances> =>
    withTable(address, async (table) => {
      const { rows, queries } = drawNullSample(ingested.rows);
      const vectors = { rows: await takeVectorsAt(table, rows), queries: await takeVectorsAt(table, queries) };
      return measureNulls(index.metric, ingested.dimension, vectors.rows, vectors.queries);
    }),
};

/**
 * A thread that calls LanceDB. Loading the client and reading its answers would take half of the main thread's time, while other
 * threads wait for it.
 */
export type TableThread = typeof methods;

serveRequests<TableThread>(methods);

/** Opens a table for each call: an open table caches its index. */
async function withTable<T>(
  { folder, bucket }: TableAddress,
  use: (table: Awaited<ReturnType<typeof openTable>>) => Promise<T>,
): Promise<T> {
  const table = await openTable(folder, bucket);
  try {
    return await use(table);
  } finally {
    table.close();
  }
}

/** Returns the parameters of an index that LanceDB builds. */
function indexConfig({ kind, metric, partitions, subVectors, parameters }: IndexDescription): Index {
  const common = { numPartitions: partitions, distanceType: metric, ...parameters };
  if (kind === 'ivf-rq') return Index.ivfRq(common);
  return Index.ivfPq({ ...common, ...(subVectors ? { numSubVectors: subVectors } : {}) });
}
