import { requireWhole } from '../../app/option-checks.ts';
import { print, terminalColumns } from '../../app/terminal.ts';
import { DataError } from '../../base/errors.ts';
import type { CatalogEntry } from '../../database/catalog/catalog-entry.ts';
import type { Database } from '../../database/database.ts';
import type { TableState } from '../../database/table-change.ts';
import { readTableState } from '../../database/table-state.ts';
import { readLastRecall } from '../../evaluate/last-recall.ts';
import { adviseOn } from './advise.ts';
import { type BucketLine, bucketLine } from './bucket-line.ts';
import { adviceText, bucketTable, summaryText } from './overview-text.ts';
import { summarizeCatalog } from './summarize-catalog.ts';

/**
 * Shows the buckets of a database, the database as a whole, and what should be done for it. Memory grows with the buckets, but not with
 * their entries.
 * @param bucketSize vectors of a full bucket
 * @param json returns the entries with the states of their tables, and prints nothing
 */
export async function showOverview(
  database: Database,
  bucketSize: number,
  json: boolean,
  warn: (message: string) => void,
) {
  requireWhole('bucket-size', bucketSize);
  const { lines, entries } = json ? await readEntries(database) : { lines: await readLines(database), entries: [] };
  const last = await readLastRecall(database).catch((error: unknown) => {
    if (!(error instanceof DataError)) throw error;
    warn(error.message);
    return undefined;
  });
  const summary = summarizeCatalog(lines, bucketSize, last);
  const advice = adviseOn(database.uri, lines, summary);
  if (!json) {
    const texts = [bucketTable(lines, terminalColumns()), summaryText(lines, summary, Date.now()), adviceText(advice)];
    print(texts.filter((text) => text !== '').join('\n\n'));
  }
  return { lines, overview: { ...summary, advice }, ...(json && { entries }) };
}

function readLines(database: Database): Promise<BucketLine[]> {
  return database.mapEntries(async (entry) => bucketLine(entry, await readTableState(database.tables, entry)));
}

async function readEntries(
  database: Database,
): Promise<{ lines: BucketLine[]; entries: (CatalogEntry & { state: TableState })[] }> {
  const read = async (entry: CatalogEntry) => ({ ...entry, state: await readTableState(database.tables, entry) });
  const entries = await database.mapEntries(read);
  return { entries, lines: entries.map((entry) => bucketLine(entry, entry.state)) };
}
