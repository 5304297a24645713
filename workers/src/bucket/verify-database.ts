import type { Progress } from '../app/progress.ts';
import { DataError, toUserError, UserError } from '../base/errors.ts';
import { counted } from '../base/text/counted.ts';
import { quoteId } from '../base/text/quote.ts';
import { type CatalogEntry, withoutReplaced } from '../database/catalog/catalog-entry.ts';
import { contradictionOfManifest } from '../database/catalog/catalog-rules.ts';
import type { Database } from '../database/database.ts';
import { readPartitions } from '../database/partitions.ts';
import { describeChange } from '../database/table-change.ts';
import { findEntryChange, openVersion, readTableState } from '../database/table-state.ts';
import { withDuplicateIds } from '../ids/duplicate-ids.ts';
import { readManifest } from '../lance/format/table-manifest.ts';
import { idAt, idsOf } from '../lance/ids/table-ids.ts';
import { compactedFiles, duplicatedId, newerVersion, wrongEntry } from './bucket-messages.ts';
import { checkFragments } from './check-fragments.ts';

/** Reads the entries of all buckets. @returns the entries, and one problem per damaged entry */
export async function readEntries(database: Database): Promise<{ entries: CatalogEntry[]; problems: string[] }> {
  const entries: CatalogEntry[] = [];
  const problems: string[] = [];
  for (const bucket of await database.entryNames())
    try {
      const entry = await database.entry(bucket);
      if (entry) entries.push(entry);
    } catch (error) {
      if (!(error instanceof DataError)) throw error;
      problems.push(`${bucket}: ${error.message}`);
    }
  return { entries: withoutReplaced(entries), problems };
}

/**
 * Checks a bucket's files against its catalog entry.
 * @returns the problems; only one if another client changed the table's rows
 * @throws TransientError if the bucket was built again meanwhile, DataError if it was removed
 */
export async function verifyBucket(
  database: Database,
  entry: CatalogEntry,
  messages: { progress: Progress; log: (message: string) => void },
): Promise<string[]> {
  const problems = await findProblems(database, entry, messages);
  // Files of another table are no damage.
  const change = problems.length > 0 ? await findEntryChange(database, entry) : undefined;
  if (change) throw change;
  return problems;
}

async function findProblems(
  database: Database,
  entry: CatalogEntry,
  { progress, log }: { progress: Progress; log: (message: string) => void },
): Promise<string[]> {
  const problems: string[] = [];
  const { bucket } = entry;
  const sizes = await database.tables.sizes(bucket);
  const state = await readTableState(database.tables, entry, sizes);
  const change = describeChange(database.uri, entry, state);
  if (change !== undefined) return [change];
  if (state.kind === 'compacted') {
    log(compactedFiles(bucket, entry.tableVersion));
    return verifyRows(database, entry);
  }
  if (state.kind === 'newer') log(newerVersion(bucket, state.version, state.operation, entry.tableVersion));
  // Readers do not need transactions, and other clients remove them.
  const wanted = entry.files.filter(({ path }) => !path.startsWith('_transactions/') || sizes.has(path));
  const files = wanted.map((file) => ({
    ...file,
    path: `${bucket}.lance/${file.path}`,
    size: sizes.get(file.path),
  }));
  const { partitions } = entry;
  if (partitions) files.push({ ...partitions, size: await database.tables.size(partitions.path) });
  for (const { path, bytes, size } of files) {
    if (size === bytes) continue;
    problems.push(
      `${bucket}: ${path} ${size === undefined ? 'is missing' : `has ${counted(size, 'byte')}, not ${bytes}`}`,
    );
    progress.add(bytes);
  }
  const whole = files.filter(({ bytes, size }) => size === bytes);
  const checksums = await database.tables.checksums(whole, (bytes) => progress.add(bytes));
  for (const [i, { path, checksum }] of whole.entries())
    if (checksums[i] !== checksum) problems.push(`${bucket}: ${path} is damaged (its checksum differs)`);
  if (problems.length === 0) problems.push(...(await verifyFields(database, entry)));
  if (problems.length === 0) problems.push(...(await verifyRows(database, entry)));
  return problems.sort();
}

/** Checks an entry against the contents of its table's files, whose checksums match. */
async function verifyFields(database: Database, entry: CatalogEntry): Promise<string[]> {
  const { tables } = database;
  const { bucket } = entry;
  const manifest = entry.files.find(({ path }) => path.startsWith('_versions/'))!;
  const contradiction = contradictionOfManifest(
    entry,
    readManifest(await tables.read(`${bucket}.lance/${manifest.path}`)),
  );
  if (contradiction !== undefined) return [`${bucket}: ${wrongEntry(contradiction)}`];
  const problems = (await checkFragments(tables, entry)).map((problem) => `${bucket}: ${problem}`);
  if (entry.partitions)
    await readPartitions(database, entry.partitions, entry).catch((error: unknown) => {
      if (!(error instanceof DataError)) throw error;
      problems.push(`${bucket}: ${error.message}`);
    });
  return problems;
}

async function verifyRows(database: Database, entry: CatalogEntry): Promise<string[]> {
  try {
    const table = await openVersion(database, entry);
    const rows = await table.countRows();
    table.close();
    return rows === entry.rows ? [] : [`${entry.bucket}: ${counted(rows, 'row')}, not ${entry.rows}`];
  } catch (error) {
    // A full disk or a missing permission is not damage.
    const known = toUserError(error);
    if (known instanceof UserError) throw known;
    return [`${entry.bucket}: LanceDB cannot open the table: ${(error as Error).message.split('\n')[0]}`];
  }
}

/** Finds a duplicated id in all tables, exactly, in bounded memory. @param scratch name for temporary files */
export async function findDuplicateIds(
  database: Database,
  entries: readonly CatalogEntry[],
  scratch: string,
): Promise<string[]> {
  const duplicate = await withDuplicateIds(scratch, async (finder) => {
    for (const [source, entry] of entries.entries())
      for await (const { start, ids } of idsOf(await openVersion(database, entry))) {
        const found = finder.add(ids, source, start);
        if (found) return found;
      }
    return finder.finish();
  });
  if (!duplicate) return [];
  const { first, second } = duplicate;
  const [one, other] = [entries[first.source]!, entries[second.source]!];
  const id = quoteId(await idAt(await openVersion(database, one), first.row));
  return [duplicatedId(id, `row ${first.row} of ${one.bucket}`, `row ${second.row} of ${other.bucket}`)];
}

/** Lists leftovers of interrupted builds. They are not part of the database; the next build of the bucket uses or removes them. */
export async function findOrphans(database: Database): Promise<string[]> {
  const entered = new Set(await database.entryNames());
  const pending = await database.pending();
  const orphans = pending
    .filter(({ bucket }) => !entered.has(bucket))
    .map(({ bucket, state }) => `${bucket} is ${state} but not indexed yet`);
  const known = new Set([...entered, ...pending.map(({ bucket }) => bucket)]);
  const { tables, leftovers } = await database.publisher.contents();
  for (const name of tables)
    if (!known.has(name.replace(/\.lance$/, ''))) orphans.push(`${name} is a table without a catalog entry`);
  return [...orphans, ...leftovers];
}
