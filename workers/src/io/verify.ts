import type { CatalogEntry } from '../core/catalog.ts';
import { algorithmOf } from '../core/checksum.ts';
import { showId } from '../core/fasta-parser.ts';
import { toUserError, UserError } from '../errors.ts';
import { mapAtOnce } from './at-once.ts';
import type { Database } from './database.ts';
import { withDuplicateIds } from './duplicate-ids.ts';
import { idAt, idsOf } from './lance/table-ids.ts';
import type { Progress } from './progress.ts';

const FILES_AT_ONCE = 8;

/** Holds a bucket's files against its catalog entry. @returns what is wrong, a sentence each */
export async function verifyBucket(database: Database, entry: CatalogEntry, progress: Progress): Promise<string[]> {
  const problems: string[] = [];
  const { bucket } = entry;
  const sizes = await database.tables.sizes(bucket);
  const files = entry.files.map((file) => ({
    ...file,
    path: `${bucket}.lance/${file.path}`,
    size: sizes.get(file.path),
  }));
  const { partitions } = entry;
  if (partitions) files.push({ ...partitions, size: await database.tables.size(partitions.path) });
  await mapAtOnce(files, FILES_AT_ONCE, async ({ path, bytes, checksum, size }) => {
    if (size === undefined) problems.push(`${bucket}: ${path} is missing`);
    else if (size !== bytes) problems.push(`${bucket}: ${path} has ${size} bytes, not ${bytes}`);
    else if ((await database.tables.checksum(path, algorithmOf(checksum))) !== checksum)
      problems.push(`${bucket}: ${path} is damaged (its checksum differs)`);
    progress.add(bytes);
  });
  if (problems.length === 0) problems.push(...(await verifyRows(database, entry)));
  return problems.sort();
}

async function verifyRows(database: Database, entry: CatalogEntry): Promise<string[]> {
  try {
    const table = await database.tables.open(entry.bucket);
    const [rows, version] = [await table.countRows(), await table.version()];
    table.close();
    const problems: string[] = [];
    if (rows !== entry.rows) problems.push(`${entry.bucket}: ${rows} rows, not ${entry.rows}`);
    if (version !== entry.tableVersion)
      problems.push(`${entry.bucket}: version ${version} of the table, not ${entry.tableVersion}`);
    return problems;
  } catch (error) {
    // A full disk or a missing permission is no damage.
    const known = toUserError(error);
    if (known instanceof UserError) throw known;
    return [`${entry.bucket}: LanceDB cannot open the table: ${(error as Error).message.split('\n')[0]}`];
  }
}

/** Looks through the ids of all tables, exactly, in bounded memory. @param scratch name for temporary files */
export async function findDuplicateIds(
  database: Database,
  entries: readonly CatalogEntry[],
  scratch: string,
): Promise<string[]> {
  const duplicate = await withDuplicateIds(scratch, async (finder) => {
    for (const [source, { bucket }] of entries.entries())
      for await (const { start, ids } of idsOf(await database.tables.open(bucket))) {
        const found = finder.add(ids, source, start);
        if (found) return found;
      }
    return finder.finish();
  });
  if (!duplicate) return [];
  const { first, second } = duplicate;
  const [one, other] = [entries[first.source]!, entries[second.source]!];
  const id = showId(await idAt(await database.tables.open(one.bucket), first.row));
  return [
    `id ${id} is in the database twice: row ${first.row} of ${one.bucket} and row ${second.row} of ${other.bucket}`,
  ];
}

/** What interrupted builds left: it is not part of the database, and the next build of the bucket uses or removes it. */
export async function findOrphans(database: Database): Promise<string[]> {
  const entered = new Set((await database.entries()).map(({ bucket }) => bucket));
  const pending = await database.pending();
  const orphans = pending
    .filter(({ bucket }) => !entered.has(bucket))
    .map(({ bucket, state }) => `${bucket} is ${state}, not indexed yet`);
  const known = new Set([...entered, ...pending.map(({ bucket }) => bucket)]);
  const { tables, leftovers } = await database.tables.contents();
  for (const name of tables)
    if (!known.has(name.replace(/\.lance$/, ''))) orphans.push(`${name} is a table without a catalog entry`);
  return [...orphans, ...leftovers];
}
