import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createProgress } from '../app/progress.ts';
import type { IndexDescription, TableDescription } from '../database/catalog/catalog-entry.ts';
import type { Database } from '../database/database.ts';
import { readPartitions } from '../database/partitions.ts';
import { Index } from '../lance/lancedb.ts';
import { openTable } from '../lance/tables.ts';
import { buildIvfRq } from './build-ivf-rq.ts';
import { checkIndex } from './check-index.ts';
import { newerForm, otherRowCount } from './index-messages.ts';
import { rewriteInOlderForm } from './older-form/rewrite-in-older-form.ts';

/** Minimum components per thread: starting a thread costs as much as encoding 20 million. */
const LEAST_COMPONENTS = 128e6;

/** A table to index, in a scratch folder. */
export interface IndexedCopy {
  database: Database;
  bucket: string;
  /** `<bucket>.lance` in it has the table's files, except the old index. */
  scratch: string;
  ingested: TableDescription;
  index: IndexDescription;
  /** Maximum threads. */
  threads: number;
  log: (message: string) => void;
}

/**
 * Builds the index of a table in a scratch folder, and checks it.
 * @returns the table's version
 * @throws DataError if the table's rows differ from those ingested, or an ivf-pq index cannot hold them
 */
export function indexTable(copy: IndexedCopy): Promise<number> {
  return withTemporaryFiles(join(copy.scratch, 'tmp'), async () => {
    await createIndex(copy);
    const { bucket, scratch, index, threads, log } = copy;
    const isLanceDbsRq = index.kind === 'ivf-rq' && index.centroids !== 'order';
    if (isLanceDbsRq && !(await rewriteInOlderForm(join(scratch, `${bucket}.lance`), threads))) log(newerForm(bucket));
    return await checkTable(copy);
  });
}

/** @returns the table's version */
async function checkTable({ bucket, scratch, ingested, index, log }: IndexedCopy): Promise<number> {
  // Opened again: an open table caches its index.
  const table = await openTable(scratch, bucket);
  try {
    const folder = join(scratch, `${bucket}.lance`);
    const warning = index.kind === 'none' ? undefined : await checkIndex(table, folder, bucket, ingested, index);
    if (warning !== undefined) log(`${bucket}: ${warning}.`);
    return await table.version();
  } finally {
    table.close();
  }
}

async function createIndex(copy: IndexedCopy): Promise<void> {
  const { database, bucket, scratch, ingested, index } = copy;
  const table = await openTable(scratch, bucket);
  try {
    // The version in the catalog may have an index, whose files are not in the scratch folder.
    for (const { name } of await table.listIndices()) await table.dropIndex(name);
    const rows = await table.countRows();
    if (rows !== ingested.rows) throw otherRowCount(database.uri, bucket, rows, ingested.rows);
    if (index.centroids === 'order') await indexOverOrder(copy);
    const config = indexConfig(index);
    if (config) await table.createIndex('embedding', { config, replace: false });
  } finally {
    table.close();
  }
}

async function indexOverOrder({ database, bucket, scratch, ingested, index, threads }: IndexedCopy): Promise<void> {
  const partitions = await readPartitions(database, ingested.partitions!, ingested);
  const progress = createProgress(`index ${bucket}`, ingested.rows, 'rows');
  try {
    const table = { folder: join(scratch, `${bucket}.lance`), fragments: ingested.fragments!, partitions };
    const most = Math.max(1, Math.floor((ingested.rows * ingested.dimension) / LEAST_COMPONENTS));
    await buildIvfRq({ ...ingested, ...table }, index.metric, progress, Math.min(threads, most));
  } finally {
    progress.stop();
  }
}

/** Returns the index that LanceDB builds; undefined if the table gets none, or LanceFlow builds it. */
function indexConfig(index: IndexDescription): Index | undefined {
  const { kind, metric, partitions, subVectors, centroids, parameters } = index;
  if (centroids === 'order') return undefined;
  const common = { numPartitions: partitions, distanceType: metric, ...parameters };
  if (kind === 'ivf-pq') return Index.ivfPq({ ...common, ...(subVectors ? { numSubVectors: subVectors } : {}) });
  if (kind === 'ivf-rq') return Index.ivfRq(common);
  return undefined;
}

/**
 * Sets the temporary folder while `use` runs: LanceDB shuffles rows through files there, and the system's own is small on many
 * machines and keeps them after a kill. LanceDB reads the variable whenever it opens a database or builds an index.
 */
async function withTemporaryFiles<T>(folder: string, use: () => Promise<T>): Promise<T> {
  const before = process.env.TMPDIR;
  await mkdir(folder);
  process.env.TMPDIR = folder;
  try {
    return await use();
  } finally {
    if (before === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = before;
  }
}
