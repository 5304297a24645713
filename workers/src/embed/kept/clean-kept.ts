import type { CommandContext, CommandResult } from '../../app/command.ts';
import { requireWhole } from '../../app/option-checks.ts';
import { UsageError } from '../../base/errors.ts';
import { formatByteSize, parseByteSize } from '../../base/text/byte-size.ts';
import { counted } from '../../base/text/counted.ts';
import { formatTable } from '../../base/text/format-table.ts';
import { wrongMost } from '../embed-messages.ts';
import { chooseRemoved, type KeptEntry } from './kept-entry.ts';
import { openKept } from './open-kept.ts';

const DAY_MS = 24 * 60 * 60 * 1000;
export const DEFAULT_DAYS = 30;
/** Lines of the list; --json has all. */
const MAX_LISTED = 40;

export interface CleanRequest {
  embeddingCache: string;
  /** Days without use. */
  olderThan: number | undefined;
  /** Size of the entries to keep. */
  most: string | undefined;
  remove: boolean;
}

export interface ListedEntry {
  path: string;
  file: string;
  model: string;
  bytes: number;
  /** UTC, to the minute. */
  used: string;
}

export interface CleanedCache extends CommandResult {
  entries: number;
  totalBytes: number;
  leftovers: number;
  removed: boolean;
  /** The entries to remove, longest unused first. */
  listed: ListedEntry[];
}

/**
 * Finds the entries of the embedding cache that were not used for a time, or exceed a size, and removes them if requested.
 * @throws UsageError for wrong values; DataError if there is no cache
 */
export async function cleanKept(request: CleanRequest, { progress }: CommandContext): Promise<CleanedCache> {
  const { embeddingCache, olderThan, most, remove } = request;
  const mostBytes = most === undefined ? Number.POSITIVE_INFINITY : parseByteSize(most);
  if (mostBytes === undefined) throw new UsageError(wrongMost(most!));
  if (olderThan !== undefined) requireWhole('older-than', olderThan, 0);
  const days = olderThan ?? (most === undefined ? DEFAULT_DAYS : Number.POSITIVE_INFINITY);
  const kept = await openKept(embeddingCache);
  const entries = await kept.entries();
  const chosen = chooseRemoved(entries, Date.now() - days * DAY_MS, mostBytes);
  const leftovers = await kept.leftovers();
  const models = new Map<string, string>();
  for (const entry of chosen)
    if (!models.has(embedderOf(entry))) models.set(embedderOf(entry), await kept.modelOf(entry));
  const listed = chosen.map((entry) => describe(entry, models));
  if (remove) {
    const bar = progress('removing', chosen.length + leftovers.length, 'entries');
    for (const entry of chosen) await kept.remove(entry).then(() => bar.add(1));
    for (const path of leftovers) await kept.removeLeftover(path).then(() => bar.add(1));
    bar.stop();
  }
  const sum = (of: readonly KeptEntry[]) => of.reduce((total, { bytes }) => total + bytes, 0);
  return {
    ...{ rows: chosen.length, bytes: sum(chosen), entries: entries.length, totalBytes: sum(entries) },
    ...{ leftovers: leftovers.length, removed: remove, listed },
  };
}

/** Summarizes what was found or removed. */
export function cleanSummary({ rows, bytes, entries, totalBytes, leftovers, removed }: CleanedCache): string {
  const what = `${rows} of ${counted(entries, 'entry')}, ${formatByteSize(bytes)} of ${formatByteSize(totalBytes)}`;
  const rest = leftovers > 0 ? `, and ${counted(leftovers, 'leftover')} of killed runs` : '';
  if (removed) return `clean-cache: removed ${what}${rest}`;
  const hint = rows + leftovers > 0 ? '. --remove removes them' : '';
  return `clean-cache: to remove: ${what}${rest}${hint}`;
}

/** Formats the entries to remove as a table. */
export function listedTable(listed: readonly ListedEntry[]): string {
  const rows = listed
    .slice(0, MAX_LISTED)
    .map(({ file, model, bytes, used }) => [used, formatByteSize(bytes), model, file]);
  const rest = listed.length > MAX_LISTED ? `\n... and ${listed.length - MAX_LISTED} more (--json lists all)` : '';
  return formatTable([['last used (UTC)', 'size', 'model', 'file'], ...rows]) + rest;
}

function describe(entry: KeptEntry, models: ReadonlyMap<string, string>): ListedEntry {
  const { path, files, bytes, usedMs } = entry;
  const file = files ? files.shard.path.split('/').at(-1)! : 'damaged';
  const used = new Date(usedMs).toISOString().slice(0, 16).replace('T', ' ');
  return { path, file, model: models.get(embedderOf(entry))!, bytes, used };
}

function embedderOf({ path }: KeptEntry): string {
  return path.split('/')[0]!;
}
