import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { CommandContext } from '../app/command.ts';
import { createProgress } from '../app/progress.ts';
import { type ThreadPool, withThreadPool } from '../base/threads/thread-pool.ts';
import type { IndexDescription, TableDescription } from '../database/catalog/catalog-entry.ts';
import type { Database } from '../database/database.ts';
import { readPartitions } from '../database/partitions.ts';
import type { PublishEarly } from '../database/table-publisher.ts';
import type { NullDistances } from '../vectors/significance/null-distances.ts';
import { buildIvfRq } from './build-ivf-rq.ts';
import { newerForm, otherRowCount } from './index-messages.ts';
import { rewriteInOlderForm } from './older-form/rewrite-in-older-form.ts';
import type { TableThread } from './table-thread.ts';

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
  publish: PublishEarly;
  warn: CommandContext['warn'];
}

/** An indexed table. */
export interface IndexedTable {
  version: number;
  nullDistances: NullDistances;
}

/**
 * Builds the index of a table in a scratch folder, and checks it.
 * @throws DataError if the table's rows differ from those ingested, or an ivf-pq index cannot hold them
 */
export function indexTable(copy: IndexedCopy): Promise<IndexedTable> {
  const module = new URL('./table-thread.ts', import.meta.url);
  const options = { name: 'table', count: 1, runsNativeCode: true };
  return withTemporaryFiles(join(copy.scratch, 'tmp'), () =>
    withThreadPool<TableThread, IndexedTable>(module, options, async (thread) => {
      await createIndex(copy, thread);
      const { bucket, scratch, ingested, index, threads, warn } = copy;
      const isLanceDbsRq = index.kind === 'ivf-rq' && index.centroids !== 'order';
      if (isLanceDbsRq && !(await rewriteInOlderForm(join(scratch, `${bucket}.lance`), threads)))
        warn(newerForm(bucket));
      const request = { folder: scratch, bucket, ingested, index };
      const { version, warning } = await thread.run('check', request);
      if (warning !== undefined) warn(`${bucket}: ${warning}.`);
      return { version, nullDistances: await thread.run('measureNulls', request) };
    }),
  );
}

async function createIndex(copy: IndexedCopy, thread: ThreadPool<TableThread>): Promise<void> {
  const { database, bucket, scratch: folder, ingested, index } = copy;
  const rows = await thread.run('dropIndices', { folder, bucket });
  if (rows !== ingested.rows) throw otherRowCount(database.uri, bucket, rows, ingested.rows);
  if (index.centroids === 'order') await indexOverOrder(copy);
  else if (index.kind !== 'none') await thread.run('createIndex', { folder, bucket, ingested, index });
}

async function indexOverOrder(copy: IndexedCopy): Promise<void> {
  const { database, bucket, scratch, ingested, index, threads, publish } = copy;
  const partitions = await readPartitions(database, ingested.partitions!, ingested);
  const progress = createProgress(`index ${bucket}`, ingested.rows, 'rows');
  try {
    const table = { folder: join(scratch, `${bucket}.lance`), fragments: ingested.fragments!, partitions };
    const most = Math.max(1, Math.floor((ingested.rows * ingested.dimension) / LEAST_COMPONENTS));
    const options = { metric: index.metric, progress, threads: Math.min(threads, most), publish };
    await buildIvfRq({ ...ingested, ...table }, options);
  } finally {
    progress.stop();
  }
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
