import { basename, dirname } from 'node:path';
import type { CommandContext } from '../app/command.ts';
import type { Column } from '../base/columns/column-type.ts';
import { DataError } from '../base/errors.ts';
import { requireDistinctOutputs } from '../base/files/distinct-outputs.ts';
import { withScratch } from '../base/files/scratch.ts';
import { scratchPathOf } from '../base/files/stream-output.ts';
import { askedColumns } from '../database/catalog/asked-columns.ts';
import type { CatalogEntry } from '../database/catalog/catalog-entry.ts';
import { Database } from '../database/database.ts';
import { noBuckets } from '../database/database-messages.ts';
import { withExtra } from '../hits/extra-column.ts';
import { readTableRecipes } from '../hits/neighbours-origin.ts';
import { type OutputFiles, writeOutputs } from '../hits/output/neighbour-outputs.ts';
import { fastaWarnings } from '../hits/output/targets-fasta.ts';
import { inspectNeighbours, type NeighboursFile, readNeighbours } from '../hits/parquet/neighbours-reader.ts';
import type { ParquetCompression } from '../hits/parquet/table-writer.ts';
import { FETCH_MESSAGES } from './fetch-messages.ts';
import { fetchValues } from './fetch-values.ts';
import { joinValues } from './join-values.ts';
import { TargetLists } from './target-lists.ts';
import { ValueStore } from './value-store.ts';

/** Ambiguous ids that a warning lists. */
const SHOWN_IDS = 5;

/** Neighbours, what to add to them, and outputs. */
export interface FetchRequest extends OutputFiles {
  neighbours: string;
  database: string;
  /** Columns to add. */
  columns: readonly string[];
  csvSafe: boolean;
  compression: ParquetCompression;
  /** Folder for temporary files. Default: the folder of `output`. */
  work?: string | undefined;
}

/** What a command has opened and checked. */
interface OpenedRequest extends FetchRequest {
  file: NeighboursFile;
  opened: Database;
  /** All buckets of the database, by name. */
  entries: ReadonlyMap<string, CatalogEntry>;
  /** The columns to add. */
  added: readonly Column[];
  /** The columns to fetch: those to add, then those of FASTA. */
  fetched: readonly Column[];
}

/**
 * Adds columns of the searched tables to neighbours, and writes their targets as FASTA.
 * @throws UsageError for a column that no bucket has; DataError if the tables are not those that were searched
 */
export async function writeColumns(request: FetchRequest, context: CommandContext) {
  const { neighbours, output, csv, fasta } = request;
  await requireDistinctOutputs([neighbours], { output, csv, fasta });
  const file = await inspectNeighbours(neighbours);
  const opened = await Database.open(request.database);
  const entries = await opened.entries();
  if (entries.length === 0) throw new DataError(noBuckets(opened.uri));
  const { added, fetched } = askedColumns(opened.uri, entries, request.columns, fasta !== undefined);
  const byName = new Map(entries.map((entry) => [entry.bucket, entry]));
  requireSearched(file, opened.uri, byName);
  const work = request.work ?? dirname(scratchPathOf(output));
  return withScratch(work, `${basename(output)}.columns`, (scratch) =>
    fetchAndWrite({ ...request, file, opened, entries: byName, added, fetched }, scratch, context),
  );
}

/** Checks that tables have the rows that were searched: those of the same recipe. A bucket may have got another index since. */
function requireSearched(
  { path, metadata }: NeighboursFile,
  uri: string,
  entries: ReadonlyMap<string, CatalogEntry>,
): void {
  for (const [bucket, recipe] of readTableRecipes(metadata)) {
    const entry = entries.get(bucket);
    if (entry && entry.recipe !== recipe) throw new DataError(FETCH_MESSAGES.otherTable(path, uri, bucket));
  }
}

async function fetchAndWrite(request: OpenedRequest, scratch: string, { progress, warn }: CommandContext) {
  const { file, opened, entries, fetched } = request;
  const lists = new TargetLists(scratch);
  for await (const batch of readNeighbours(file.path)) lists.add(batch);
  lists.finish();
  const unknown = [...lists.rows.keys()].filter((bucket) => !entries.has(bucket));
  if (unknown.length > 0)
    throw new DataError(FETCH_MESSAGES.unknownBuckets(file.path, opened.uri, unknown, [...entries.keys()]));
  const withValues = [...lists.rows].filter(([bucket]) => hasAny(entries.get(bucket)!, fetched));
  using store = new ValueStore(scratch, new Map(withValues));
  const ids = withValues.reduce((sum, [bucket]) => sum + entries.get(bucket)!.rows, 0);
  const bar = progress('Finding targets', ids, 'ids');
  const ambiguous: string[] = [];
  try {
    for (const [bucket] of withValues) {
      const entry = entries.get(bucket)!;
      const task = { database: opened, entry, columns: fetched, lists, store, path: file.path, progress: bar };
      for (const id of await fetchValues(task)) ambiguous.push(`${id} (${bucket})`);
    }
  } finally {
    bar.stop();
  }
  if (ambiguous.length > 0) warn(FETCH_MESSAGES.ambiguousIds(ambiguous.length, ambiguous.slice(0, SHOWN_IDS)));
  const written = await writeJoined(request, store, scratch);
  for (const warning of written.fasta ? fastaWarnings(written.fasta) : []) warn(warning);
  return { rows: file.rows, buckets: withValues.length, columns: request.added.map(({ name }) => name), ...written };
}

async function writeJoined(request: OpenedRequest, store: ValueStore, scratch: string) {
  const { file, added, fetched, compression, csvSafe } = request;
  // A column that is fetched again takes the place of the one that is there.
  const kept = file.extra.filter(({ name }) => !added.some((column) => column.name === name));
  const options = { compression, csvSafe, metadata: file.metadata, extra: [...kept, ...added], scratch };
  return writeOutputs(request, options, async (append) => {
    for await (const { rows, values } of joinValues(readNeighbours(file.path, kept), kept, fetched, store)) {
      const column = (name: string) =>
        values[fetched.findIndex((field) => field.name === name && field.type === 'utf8')];
      const sequence = request.fasta === undefined ? undefined : column('sequence');
      const texts = sequence && { sequence, description: column('description') };
      await append(added.length > 0 ? withExtra(rows, values.slice(0, added.length)) : rows, texts);
    }
    return {};
  });
}

function hasAny({ columns = [] }: CatalogEntry, wanted: readonly Column[]): boolean {
  return columns.some(({ name }) => wanted.some((column) => column.name === name));
}
